import { type CallOptions, Transport, type TransportOptions } from './transport.ts'
import type { ViewDescription } from './view-answers.ts'
import { ViewApi } from './view-api.ts'

/** Longer than an answer waits for a position. */
const requestTimeoutMsDefault = 90_000

/**
 * The results service's API: the rows of views, and their changes. Calls are made once,
 * `ViewApi.subscribe` apart; `ApiError.retryAfterMs` says when to come again.
 */
export class ResultsClient {
  readonly #transport: Transport

  /** @param options url for example `http://127.0.0.1:4003`. @throws TypeError the URL is none */
  constructor(options: TransportOptions) {
    this.#transport = new Transport({ requestTimeoutMs: requestTimeoutMsDefault, ...options })
  }

  /** The views of all live releases. @throws ApiError, ConnectionError */
  async views(call: CallOptions = {}): Promise<readonly ViewDescription[]> {
    const answer = await this.#transport.get('/v1/views', call)
    return (answer as { readonly views: readonly ViewDescription[] }).views
  }

  /** One view; nothing is asked yet. @template Row what a row looks like; it is not checked */
  view<Row extends object = Record<string, unknown>>(
    application: string,
    view: string,
  ): ViewApi<Row> {
    return new ViewApi<Row>(this.#transport, application, view)
  }

  /** Ends the connections that are kept. */
  close(): void {
    this.#transport.close()
  }
}
