import type { EventResult, FailedEvent } from './publish-results.ts'

/** One event on its way. Its id, once made, stays through every attempt. */
export interface PendingEvent {
  readonly text: string
  /** Of the text as UTF-8. */
  readonly bytes: number
  /** Flushes are counted; an event is due at once when one has come since. */
  readonly generation: number
  /** Monotonic milliseconds. */
  readonly queuedAtMs: number
  /** The caller's id, or one made at the first attempt, for topics whose contract names no id field. */
  id: string | undefined
  readonly givenId: boolean
  attempts: number
  /** An attempt ended without an answer that says that nothing was written. */
  maybeInLog: boolean
  /** It has its room in the queue. */
  entered: boolean
  settled: boolean
  /** Hands the result to the caller; called once. */
  readonly onSettled: (result: EventResult) => void
}

export function failure(event: PendingEvent, code: string, message: string): FailedEvent {
  return { status: 'failed', error: { code, message }, maybeInLog: event.maybeInLog }
}
