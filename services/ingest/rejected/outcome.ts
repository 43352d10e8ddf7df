import { ServiceError } from '@kappa/service/errors'
import type { Problem, PublishedEvent } from './rejection-record.ts'

/** What became of one rejection that was to be resubmitted. */
export type Outcome = Resubmitted | Failed

export interface Resubmitted {
  readonly id: string
  readonly status: 'resubmitted'
  /** It was in the log already and was not sent again. */
  readonly repeated: boolean
  readonly event: PublishedEvent
}

export interface Failed {
  readonly id: string
  readonly status: 'failed'
  readonly error: ServiceError
}

export function unknownRejection(id: string): ServiceError {
  return new ServiceError(
    'unknown_rejection',
    `There is no rejected event "${id.slice(0, 80)}": it never was, or it is older than what is kept or can be listed.`,
  )
}

export function stillRejected(problem: Problem): ServiceError {
  return new ServiceError(
    'still_rejected',
    `The event is still rejected, it stays open: ${problem.message} (at ${problem.path}).`,
    { details: problem },
  )
}

export function resubmitPending(id: string): ServiceError {
  return new ServiceError(
    'resubmit_pending',
    `Another call has begun to resubmit "${id}" with another fix or version, and its event may be in the log. Resubmit it without patch, payload and version: that finishes it, and it counts once.`,
  )
}
