import type { PublishedEvent, RejectedDescription, StateDescription } from './rejection-record.ts'

export const rejectionStates = ['open', 'resubmitting', 'resubmitted', 'dismissed'] as const
export type RejectionState = (typeof rejectionStates)[number]

/** Changes whose offsets are kept for one rejection, the newest. */
const changesMax = 32

/** One rejection as the index keeps it: what it is about and where its records are. */
export interface RejectionEntry {
  readonly id: string
  readonly topic: string
  readonly version: number | null
  readonly code: string
  readonly receivedAtMs: number
  readonly client: string
  readonly importDisorderMs: number | null
  /** As received. */
  readonly payloadBytes: number
  /** The rest of the payload is not kept. */
  readonly truncated: boolean
  readonly partition: number
  readonly offset: bigint
  /** Offsets of the newest records about its state, in their order, in the same partition. */
  readonly changes: bigint[]
  /** What may be in the log without being known to be. */
  pending?: PendingFix | undefined
  /** What is in the log, for good. */
  published?: { readonly digest: string; readonly event: PublishedEvent }
  dismissed: boolean
}

export interface PendingFix {
  readonly digest: string
  readonly version: number
  /** Of the record whose value is what is being published; null there: the payload as received. */
  readonly offset: bigint
  /** Calls that publish it and have not been heard of since. */
  readonly attempts: Set<string>
}

/**
 * - `open`: to be fixed and resubmitted, or dismissed
 * - `resubmitting`: a call has begun to publish it; after a crash, resubmit it again to be sure
 * - `resubmitted`: in the log, for good
 * - `dismissed`: nothing will be done; may still be resubmitted
 */
export function stateOf(entry: RejectionEntry): RejectionState {
  if (entry.published !== undefined) return 'resubmitted'
  if (entry.dismissed) return 'dismissed'
  return entry.pending === undefined ? 'open' : 'resubmitting'
}

export function newEntry(
  id: string,
  about: RejectedDescription,
  partition: number,
  offset: bigint,
): RejectionEntry {
  return {
    id,
    topic: about.topic,
    version: about.version,
    code: about.error.code,
    receivedAtMs: about.received_at,
    client: about.client,
    importDisorderMs: about.import_disorder_ms,
    payloadBytes: about.payload_bytes,
    truncated: about.truncated,
    partition,
    offset,
    changes: [],
    dismissed: false,
  }
}

/**
 * What a record about a rejection changes. The order of the records decides between instances that
 * resubmit at the same time: only the first fix counts until it is known not to be in the log, so
 * that two different events never come of one rejection.
 */
export function applyChange(entry: RejectionEntry, change: StateDescription, offset: bigint): void {
  entry.changes.push(offset)
  if (entry.changes.length > changesMax) entry.changes.shift()
  if (entry.published !== undefined) return
  switch (change.type) {
    case 'resubmitting': {
      const { digest, version } = change
      if (entry.pending !== undefined && entry.pending.digest !== digest) return
      entry.pending ??= { digest, version, offset, attempts: new Set() }
      entry.pending.attempts.add(change.attempt)
      entry.dismissed = false
      return
    }
    case 'failed': {
      // Of an attempt that did not win it says nothing about the one that did.
      if (!entry.pending?.attempts.delete(change.attempt)) return
      if (change.settles === 'all' || entry.pending.attempts.size === 0) entry.pending = undefined
      return
    }
    case 'resubmitted':
      entry.published = { digest: change.digest, event: change.event }
      entry.pending = undefined
      return
    case 'dismissed':
      entry.dismissed = true
  }
}
