import { ApplicationsApi } from './applications-api.ts'
import { ReleasesApi } from './releases-api.ts'
import { ReplaysApi } from './replays-api.ts'
import { Transport, type TransportOptions } from './transport.ts'

/** A switch waits until rows are frozen and let go again, a plan until the log has been measured. */
const requestTimeoutMsDefault = 120_000

/**
 * The replay service's API: applications, their releases, and the replays that make new ones. Calls
 * are made once, `replays.create` and `replays.watch` apart; `ApiError.retryAfterMs` says when to
 * come again.
 */
export class ReplayClient {
  readonly applications: ApplicationsApi
  readonly releases: ReleasesApi
  readonly replays: ReplaysApi
  readonly #transport: Transport

  /** @param options url for example `http://127.0.0.1:4002`. @throws TypeError the URL is none */
  constructor(options: TransportOptions) {
    this.#transport = new Transport({ requestTimeoutMs: requestTimeoutMsDefault, ...options })
    this.applications = new ApplicationsApi(this.#transport)
    this.releases = new ReleasesApi(this.#transport)
    this.replays = new ReplaysApi(this.#transport)
  }

  /** Ends the connections that are kept. */
  close(): void {
    this.#transport.close()
  }
}
