import { patiently } from './patiently.ts'
import type {
  ComparisonRequest,
  ReplayDryRun,
  ReplayRequest,
  ReplayStatus,
  SwitchOutcome,
} from './replay-status.ts'
import { type CallOptions, jsonPost, type Transport, toApiError } from './transport.ts'
import { uuidV7 } from './uuid-v7.ts'
import { type WatchOptions, watchReplay } from './watch-replay.ts'

export interface CreateReplayOptions extends CallOptions {
  /** Asking again with the same key starts nothing anew. Default: one made for this call. */
  readonly idempotencyKey?: string
}

export interface CreatedReplay {
  readonly replay: ReplayStatus
  /** It had been asked for before, with the same key. */
  readonly repeated: boolean
}

export interface SwitchOptions extends CallOptions {
  /** Only tell what would happen. */
  readonly dryRun?: boolean
}

const root = '/v1/replays'
const patience = { timeoutMs: 5_000, retryDelayMsMin: 100, retryDelayMsMax: 1_000 }

/** Replays: build a release from the log beside the live one, compare, promote. */
export class ReplaysApi {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * Starts one. A call that the service may not have got is made again, for a few seconds, with the
   * same key, so that one replay is started.
   * @throws ApiError `log_incomplete`, `quota_exceeded`, `contract_missing`, `carry_refused`,
   *   `replay_running`, `application_invalid`, `no_live_release`, …
   * @throws ConnectionError
   */
  async create(
    request: ReplayRequest,
    { idempotencyKey = uuidV7(), signal }: CreateReplayOptions = {},
  ): Promise<CreatedReplay> {
    const post = jsonPost(root, request, { signal })
    const headers = { ...post.headers, 'idempotency-key': idempotencyKey }
    return patiently(
      async () => {
        const answer = await this.#transport.send({ ...post, headers })
        if (answer.status !== 200 && answer.status !== 201) throw toApiError(answer)
        return { replay: answer.body as ReplayStatus, repeated: answer.status === 200 }
      },
      { ...patience, signal },
    )
  }

  /** What it would read and cost, and why it would be refused. @throws ApiError, ConnectionError */
  async dryRun(request: ReplayRequest, call: CallOptions = {}): Promise<ReplayDryRun> {
    return (await this.#transport.post(`${root}?dry_run=true`, request, call)) as ReplayDryRun
  }

  /** The newest first, of one application or of all. @throws ApiError, ConnectionError */
  async list({
    application,
    ...call
  }: CallOptions & { readonly application?: string } = {}): Promise<readonly ReplayStatus[]> {
    const query = application === undefined ? '' : `?${new URLSearchParams({ application })}`
    const answer = await this.#transport.get(`${root}${query}`, call)
    return (answer as { readonly replays: readonly ReplayStatus[] }).replays
  }

  /** @throws ApiError 404 there is none with this id; ConnectionError */
  async get(id: string, call: CallOptions = {}): Promise<ReplayStatus> {
    return (await this.#transport.get(pathOf(id), call)) as ReplayStatus
  }

  /** Stops its cluster; its checkpoints stay. @throws ApiError 409 its state has no such move */
  pause(id: string, call: CallOptions = {}): Promise<ReplayStatus> {
    return this.#ask(id, 'pause', call)
  }

  /** Goes on from its checkpoints. @throws ApiError 409 its state has no such move */
  resume(id: string, call: CallOptions = {}): Promise<ReplayStatus> {
    return this.#ask(id, 'resume', call)
  }

  /** Ends it and deletes what it has built. @throws ApiError 409 its state has no such move */
  cancel(id: string, call: CallOptions = {}): Promise<ReplayStatus> {
    return this.#ask(id, 'cancel', call)
  }

  /**
   * Compares again.
   * @param declared differences that are expected from here on; what it leaves out stays as it was
   * @throws ApiError 409 its state has no such move
   */
  async compare(
    id: string,
    { signal, ...declared }: ComparisonRequest & CallOptions = {},
  ): Promise<ReplayStatus> {
    const path = `${pathOf(id)}/compare`
    return (await this.#transport.post(path, declared, { signal })) as ReplayStatus
  }

  /**
   * Makes its release the live one.
   * @param options force: whatever the comparison found
   * @returns `allowed: false` with the reason when it stays as it is
   * @throws ApiError, ConnectionError
   */
  async promote(
    id: string,
    { force, dryRun, signal }: SwitchOptions & { readonly force?: boolean } = {},
  ): Promise<SwitchOutcome> {
    const path = `${pathOf(id)}/promote${dryRun === true ? '?dry_run=true' : ''}`
    const body = force === undefined ? {} : { force }
    return (await this.#transport.post(path, body, { signal })) as SwitchOutcome
  }

  /** Its statuses as they come; see `watchReplay`. */
  watch(id: string, options: WatchOptions = {}): AsyncGenerator<ReplayStatus> {
    return watchReplay(this.#transport, pathOf(id), options)
  }

  async #ask(id: string, what: string, call: CallOptions): Promise<ReplayStatus> {
    return (await this.#transport.post(`${pathOf(id)}/${what}`, undefined, call)) as ReplayStatus
  }
}

function pathOf(id: string): string {
  return `${root}/${encodeURIComponent(id)}`
}
