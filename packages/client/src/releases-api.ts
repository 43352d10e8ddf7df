import type { Orphan, ReleaseStatus } from './release-status.ts'
import type { CallOptions, Transport } from './transport.ts'

const root = '/v1/releases'

/** The releases of applications, and what releases have left behind. */
export class ReleasesApi {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Of one application or of all. @throws ApiError, ConnectionError */
  async list({
    application,
    ...call
  }: CallOptions & { readonly application?: string } = {}): Promise<readonly ReleaseStatus[]> {
    const query = application === undefined ? '' : `?${new URLSearchParams({ application })}`
    const answer = await this.#transport.get(`${root}${query}`, call)
    return (answer as { readonly releases: readonly ReleaseStatus[] }).releases
  }

  /** @throws ApiError `unknown_application`, `unknown_release`; ConnectionError */
  async get(application: string, release: number, call: CallOptions = {}): Promise<ReleaseStatus> {
    return (await this.#transport.get(pathOf(application, release), call)) as ReleaseStatus
  }

  /** Deletes all that it has. @throws ApiError 409 it is live, or its state has no such move */
  async retire(
    application: string,
    release: number,
    call: CallOptions = {},
  ): Promise<ReleaseStatus> {
    const path = `${pathOf(application, release)}/retire`
    return (await this.#transport.post(path, undefined, call)) as ReleaseStatus
  }

  /** Topics, checkpoints and rows that belong to no release. @throws ApiError, ConnectionError */
  async orphans(call: CallOptions = {}): Promise<readonly Orphan[]> {
    const answer = await this.#transport.get('/v1/orphans', call)
    return (answer as { readonly orphans: readonly Orphan[] }).orphans
  }

  /** Deletes them. @returns what it deleted. @throws ApiError, ConnectionError */
  async removeOrphans(call: CallOptions = {}): Promise<readonly Orphan[]> {
    const answer = await this.#transport.post('/v1/orphans/remove', undefined, call)
    return (answer as { readonly removed: readonly Orphan[] }).removed
  }
}

function pathOf(application: string, release: number): string {
  return `${root}/${encodeURIComponent(application)}/${release}`
}
