import { RejectedApi } from './rejected-api.ts'
import { TopicsApi } from './topics-api.ts'
import { Transport, type TransportOptions } from './transport.ts'

/**
 * Ingest's API beside publishing: which topics there are, and what became of rejected events. Calls
 * are made once; `ApiError.retryAfterMs` says when to come again. To publish, make a `Publisher`.
 */
export class Client {
  readonly topics: TopicsApi
  readonly rejected: RejectedApi
  readonly #transport: Transport

  /** @throws TypeError the URL is none */
  constructor(options: TransportOptions) {
    this.#transport = new Transport(options)
    this.topics = new TopicsApi(this.#transport)
    this.rejected = new RejectedApi(this.#transport)
  }

  /** Ends the connections that are kept. */
  close(): void {
    this.#transport.close()
  }
}
