import type { OffsetsByTopic } from '@kappa/applications/offsets'

/** How a query reads; it ends by itself in every mode but the first. */
export type QueryMode = ContinuousMode | CatchUpMode | UpToMode

/** Batches take everything that is in the log. */
export interface ContinuousMode {
  readonly kind: 'continuous'
}

/** Up to the end of the log as of its start, in batches of a bounded size. */
export interface CatchUpMode {
  readonly kind: 'catch-up'
  readonly eventsPerBatchMax: number
  /** How far apart in event time the unread ranges of a stream's partitions are, by stream. */
  readonly slackMs: Readonly<Record<string, number>>
  /** Of all its streams together. */
  readonly eventsPerSecondMax?: number
}

/** One batch that ends exactly there. */
export interface UpToMode {
  readonly kind: 'up-to'
  /** By topic and partition; topics that the query does not read are ignored. */
  readonly offsets: OffsetsByTopic
  /** As in a catch-up, where the offsets are not those of a query that took everything. */
  readonly slackMs?: Readonly<Record<string, number>>
}
