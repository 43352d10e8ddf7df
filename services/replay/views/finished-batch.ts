import type { StateOperatorProgress, StreamingQueryProgress } from '@kappa/spark-connect/progress'

/** What a position needs to know of a batch that is committed. */
export type FinishedBatch = Pick<
  StreamingQueryProgress,
  'batchId' | 'observedMetrics' | 'watermark'
> & {
  readonly stateOperators: readonly (Pick<StateOperatorProgress, 'rowsDroppedByWatermark'> &
    // Not known of a batch that was counted in the log.
    Partial<Pick<StateOperatorProgress, 'rowsTotal'>>)[]
}
