import { setTimeout as delay } from 'node:timers/promises'
import type {
  ComparisonRequest,
  ReplayRequest,
  ReplayStatus,
} from '@kappa/replay/replays/replay-schemas'
import type { SwitchOutcome } from '@kappa/replay/switching/switch-outcome'
import type { PlatformClient } from '../platform/platform-client.ts'
import { waitFor } from '../platform/wait.ts'
import { until } from '../until.ts'

const replayTimeoutMs = 600_000
const readTimeoutMs = 30_000

/** What tests do with replays, over the API. */
export class Replays {
  readonly #platform: Pick<PlatformClient, 'replay'>

  constructor(platform: Pick<PlatformClient, 'replay'>) {
    this.#platform = platform
  }

  create(request: ReplayRequest, key?: string): Promise<ReplayStatus> {
    return this.post('/v1/replays', request, key ? { 'idempotency-key': key } : {})
  }

  get(id: string): Promise<ReplayStatus> {
    return this.request('GET', `/v1/replays/${id}`)
  }

  pause = (id: string) => this.post<ReplayStatus>(`/v1/replays/${id}/pause`)
  resume = (id: string) => this.post<ReplayStatus>(`/v1/replays/${id}/resume`)
  compare = (id: string, body: ComparisonRequest = {}) =>
    this.post<ReplayStatus>(`/v1/replays/${id}/compare`, body)
  cancel = (id: string) => this.post<ReplayStatus>(`/v1/replays/${id}/cancel`)
  promote = (id: string, body: object = {}) =>
    this.post<SwitchOutcome>(`/v1/replays/${id}/promote`, body)
  rollBack = (application: string, body: object = {}) =>
    this.post<SwitchOutcome>(`/v1/applications/${application}/rollback`, body)

  /** @throws Error with its cause when it fails on the way */
  async until(
    id: string,
    states: readonly ReplayStatus['state'][],
    timeoutMs = replayTimeoutMs,
  ): Promise<ReplayStatus> {
    const status = await waitFor(
      `replay ${id} being ${states.join(' or ')}`,
      async () => {
        const now = await this.get(id)
        return states.includes(now.state) || now.state === 'failed' ? now : undefined
      },
      timeoutMs,
    )
    if (states.includes(status.state)) return status
    throw new Error(`Replay ${id} failed: ${status.cause}`)
  }

  /** The first status that satisfies the condition, looked for closely: some states last milliseconds. */
  async when(
    id: string,
    condition: (status: ReplayStatus) => boolean,
    timeoutMs = replayTimeoutMs,
  ): Promise<ReplayStatus> {
    const done = (status: ReplayStatus) => condition(status) || status.state === 'failed'
    const status = await until(() => this.get(id), done, timeoutMs)
    if (condition(status)) return status
    throw new Error(`Replay ${id} failed: ${status.cause}`)
  }

  post<T>(path: string, body: object = {}, headers: Record<string, string> = {}): Promise<T> {
    return this.request('POST', path, body, headers)
  }

  /** @throws RefusedError for an answer that is no success */
  async request<T>(
    method: 'GET' | 'POST',
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const answer = await fetch(`${this.#platform.replay.url}${path}`, {
      method,
      headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    })
    const json = JSON.parse(await answer.text())
    if (answer.ok) return json
    const { code, message, details } = json.error
    throw new RefusedError(answer.status, code, message, details)
  }
}

export class RefusedError extends Error {
  readonly status: number
  readonly code: string
  readonly details: unknown

  constructor(status: number, code: string, message: string, details: unknown) {
    super(`${status} ${code}: ${message}`)
    this.name = 'RefusedError'
    this.status = status
    this.code = code
    this.details = details
  }
}

/** What a reader of one view has seen go wrong. */
export interface ReaderReport {
  readonly answers: number
  readonly releases: readonly number[]
  readonly problems: readonly string[]
  /** Requests of a patient reader that had to be sent again, by the reason. */
  readonly retries: ReadonlyMap<string, number>
  /** Longest time without an answer, ms. */
  readonly longestGapMs: number
  /** At each switch: from the last answer of the one release to the first of the next, ms. */
  readonly switchGapsMs: readonly number[]
}

export interface Reader {
  /** Resolves when an answer was of the release. */
  untilSees(release: number, timeoutMs: number): Promise<void>
  stop(): Promise<ReaderReport>
}

/**
 * Reads a view again and again until stopped: no answer may fail, nor be of an earlier switch than one
 * before it, nor at an earlier position. A patient reader asks again where it gets none, or 503.
 */
export function readAllTheTime(
  platform: Pick<PlatformClient, 'results'>,
  application: string,
  view: string,
  everyMs: number,
  { patient = false }: { readonly patient?: boolean } = {},
): Reader {
  const over = new AbortController()
  const problems: string[] = []
  const releases: number[] = []
  const switchGapsMs: number[] = []
  const retries = new Map<string, number>()
  const again = (reason: string) => retries.set(reason, (retries.get(reason) ?? 0) + 1)
  let answers = 0
  let longestGapMs = 0
  const reading = (async () => {
    let before: Record<string, Record<string, string>> = {}
    let last = performance.now()
    while (!over.signal.aborted) {
      const url = `${platform.results.url}/v1/views/${application}/${view}?limit=5`
      try {
        const answer = await fetch(url, { signal: AbortSignal.timeout(readTimeoutMs) })
        const text = await answer.text()
        if (patient && answer.status === 503) again(JSON.parse(text).error.code)
        else if (answer.status !== 200) problems.push(`${answer.status}: ${text.slice(0, 300)}`)
        else {
          const { meta } = JSON.parse(text)
          answers += 1
          const now = performance.now()
          const gapMs = Math.round(now - last)
          last = now
          longestGapMs = Math.max(longestGapMs, gapMs)
          if (releases.at(-1) !== meta.release) {
            if (releases.length > 0) switchGapsMs.push(gapMs)
            releases.push(meta.release)
          }
          const position = JSON.parse(Buffer.from(meta.position, 'base64url').toString()).topics
          const back = earlier(before, position)
          if (back) problems.push(`release ${meta.release} went back at ${back}`)
          before = position
        }
      } catch (error) {
        if (patient) again('no answer')
        else problems.push(String(error))
      }
      await delay(everyMs, undefined, { signal: over.signal }).catch(() => undefined)
    }
  })()
  return {
    async untilSees(release, timeoutMs) {
      await waitFor(
        `a reader of ${view} seeing release ${release}`,
        async () => releases.includes(release) || undefined,
        timeoutMs,
      )
    },
    async stop() {
      over.abort()
      await reading
      return { answers, releases, problems, retries, longestGapMs, switchGapsMs }
    },
  }
}

type Offsets = Readonly<Record<string, Readonly<Record<string, string>>>>

function earlier(before: Offsets, after: Offsets): string | undefined {
  for (const [topic, offsets] of Object.entries(before)) {
    for (const [partition, offset] of Object.entries(offsets)) {
      const now = after[topic]?.[partition]
      if (now === undefined || BigInt(now) < BigInt(offset))
        return `${topic}/${partition}: ${offset} to ${now}`
    }
  }
  return undefined
}
