/** Events of one request in the order in which they were sent. */
export interface EventBatch {
  /** Parsed JSON, or a `MalformedEvent` in its place. */
  readonly values: readonly unknown[]
  /** The bytes of one event as they were received. */
  payload(index: number): Buffer
  /** What CloudEvents say beside their data; left out for events without an envelope. */
  readonly envelopes?: readonly (Envelope | undefined)[]
}

/** What an envelope adds to an event. */
export interface Envelope {
  /** Identifies the event where its contract names no id field. */
  readonly id: string
  /** Headers of the record, by name. */
  readonly headers: Readonly<Record<string, string>>
}

/** Stands in the place of an event that cannot be read. */
export class MalformedEvent {
  readonly code: 'malformed_json' | 'event_too_large' | 'bad_cloudevent'
  readonly message: string
  readonly path: string

  constructor(code: MalformedEvent['code'], message: string, path = '$') {
    this.code = code
    this.message = message
    this.path = path
  }
}
