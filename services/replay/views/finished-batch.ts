import type { StateOperatorProgress, StreamingQueryProgress } from '@kappa/spark-connect/progress'

/** What a position needs to know of a batch that is committed. */
export type FinishedBatch = Pick<
  StreamingQueryProgress,
  'batchId' | 'observedMetrics' | 'watermark'
> & {
  readonly stateOperators: readonly Pick<StateOperatorProgress, 'rowsDroppedByWatermark'>[]
}
