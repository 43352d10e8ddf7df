import type { DefinitionDiff } from './definition-diff.ts'
import type { ApplicationStatus } from './release-status.ts'
import type { SwitchOutcome } from './replay-status.ts'
import type { SwitchOptions } from './replays-api.ts'
import type { CallOptions, Transport } from './transport.ts'

const root = '/v1/applications'

/** The applications that the replay service runs. */
export class ApplicationsApi {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** @throws ApiError, ConnectionError */
  async list(call: CallOptions = {}): Promise<readonly ApplicationStatus[]> {
    const answer = await this.#transport.get(root, call)
    return (answer as { readonly applications: readonly ApplicationStatus[] }).applications
  }

  /** @throws ApiError `unknown_application`, ConnectionError */
  async get(application: string, call: CallOptions = {}): Promise<ApplicationStatus> {
    return (await this.#transport.get(pathOf(application), call)) as ApplicationStatus
  }

  /** What a replay of its folder would change. @throws ApiError, ConnectionError */
  async diff(application: string, call: CallOptions = {}): Promise<DefinitionDiff> {
    return (await this.#transport.get(`${pathOf(application)}/diff`, call)) as DefinitionDiff
  }

  /**
   * Brings an earlier release back.
   * @param options to: its number; default: the one that was live before
   * @returns `done: false` when a stopped one catches up first; `allowed: false` with the reason
   * @throws ApiError, ConnectionError
   */
  async rollback(
    application: string,
    { to, dryRun, signal }: SwitchOptions & { readonly to?: number } = {},
  ): Promise<SwitchOutcome> {
    const path = `${pathOf(application)}/rollback${dryRun === true ? '?dry_run=true' : ''}`
    const body = to === undefined ? {} : { to }
    return (await this.#transport.post(path, body, { signal })) as SwitchOutcome
  }
}

function pathOf(application: string): string {
  return `${root}/${encodeURIComponent(application)}`
}
