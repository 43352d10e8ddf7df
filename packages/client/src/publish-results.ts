/** What is wrong with an event, in ingest's words. */
export interface EventProblem {
  /** Stable; decide by it. */
  readonly code: string
  readonly message: string
  /** Where in the event, `$` for the whole. */
  readonly path: string
}

/** In the log, acknowledged by all in-sync replicas. */
export interface AcceptedEvent {
  readonly status: 'accepted'
  readonly id: string
  readonly partition: number
  /** A 64-bit integer as text. */
  readonly offset: string
  /** Token of the request's place in the log; undefined from an ingest that gives none. */
  readonly position: string | undefined
}

/** Its content is wrong: sending it again as it is would not help. */
export interface RejectedEvent {
  readonly status: 'rejected'
  readonly error: EventProblem & { readonly others?: readonly EventProblem[] }
  /** Where ingest keeps it, to be fixed and sent again; undefined when it does not. */
  readonly rejection: string | undefined
}

/** Not acknowledged, for a reason beside its content. Publish it again with the same id. */
export interface FailedEvent {
  readonly status: 'failed'
  readonly error: { readonly code: string; readonly message: string }
  /** Whether an attempt may have written it; with the same id that is harmless. */
  readonly maybeInLog: boolean
}

export type EventResult = AcceptedEvent | RejectedEvent | FailedEvent

/** What became of the events of one `publishAll`. */
export interface PublishSummary {
  readonly accepted: number
  readonly rejected: number
  readonly failed: number
  /**
   * Tokens of places in the log, at most one a partition: what has counted all of them has counted
   * every accepted event.
   */
  readonly positions: readonly string[]
  /** The first of those that were not accepted, by their place in the input, from 0. */
  readonly notAccepted: readonly NotAccepted[]
}

export interface NotAccepted {
  readonly index: number
  readonly result: RejectedEvent | FailedEvent
}

/** `publish` was answered with a rejection. */
export class EventRejectedError extends Error {
  readonly code: string
  readonly result: RejectedEvent

  constructor(topic: string, result: RejectedEvent) {
    const { message, path } = result.error
    super(`${topic} rejected the event: ${message} (at ${path})`)
    this.name = 'EventRejectedError'
    this.code = result.error.code
    this.result = result
  }
}

/** The event of a `publish` was not acknowledged. */
export class EventFailedError extends Error {
  readonly code: string
  readonly result: FailedEvent

  constructor(topic: string, result: FailedEvent) {
    super(`the event was not published to ${topic}: ${result.error.message}`)
    this.name = 'EventFailedError'
    this.code = result.error.code
    this.result = result
  }
}

/** `publishAll` ended before its input did; what was read is settled. */
export class PublishStoppedError extends Error {
  readonly summary: PublishSummary

  constructor(message: string, summary: PublishSummary, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PublishStoppedError'
    this.summary = summary
  }
}
