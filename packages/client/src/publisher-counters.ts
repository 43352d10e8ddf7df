/** Since the publisher was made; events, unless said otherwise. */
export interface PublisherCounters {
  /** Taken by `publish` and `publishAll`: = accepted + rejected + failed + pending. */
  readonly queued: number
  /** Sent at least once. */
  readonly sent: number
  readonly accepted: number
  readonly rejected: number
  readonly failed: number
  /** Sent again, each time counted. */
  readonly retried: number
  /** Not settled yet: waiting for room, in the queue or in flight. */
  readonly pending: number
  /** JSON text of those that are in the queue or in flight. */
  readonly pendingBytes: number
  /** HTTP requests, those that were repeated included. */
  readonly requests: number
}

export class Counters {
  queued = 0
  sent = 0
  accepted = 0
  rejected = 0
  failed = 0
  retried = 0
  requests = 0
}
