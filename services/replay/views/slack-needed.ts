import { observationName } from '@kappa/applications/stream-plan'
import type { FinishedBatch } from './finished-batch.ts'

/**
 * What to add to the slack of every stream, ms, so that this batch would have dropped no row: then the
 * watermark would have been below its oldest event that is on time. 0 when it has dropped none. The
 * largest of all batches would have been enough for the run. At most one batch's step of the
 * watermark too much: rows are judged by the watermark of the batch before.
 */
export function slackNeededMs(batch: FinishedBatch, streams: readonly string[]): number {
  const dropped = batch.stateOperators.some(
    ({ rowsDroppedByWatermark }) => rowsDroppedByWatermark > 0,
  )
  if (!dropped || batch.watermark === undefined) return 0
  const watermarkMs = Date.parse(batch.watermark)
  const oldest = streams.flatMap((stream) => {
    const value = batch.observedMetrics[observationName(stream)]?.oldest_event_ms
    return value === undefined || value === null ? [] : [Number(value)]
  })
  return Math.max(0, watermarkMs - Math.min(...oldest) + 1)
}
