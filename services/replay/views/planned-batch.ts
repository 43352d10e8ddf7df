import type { OffsetsByPartition, OffsetsByTopic } from '@kappa/applications/offsets'
import { observationName, type StreamSource } from '@kappa/applications/stream-plan'
import type { SparkSession } from '@kappa/spark-connect/session'
import { lowestOffsets } from './checkpoint.ts'
import type { FinishedBatch } from './finished-batch.ts'
import type { OffsetLogEntry } from './offset-log.ts'
import { countRange } from './range-counts.ts'

/** A batch as the offset log has it, and the one before it, if there is one. */
export interface PlannedBatch {
  readonly batch: number
  readonly before: OffsetLogEntry | undefined
  readonly planned: OffsetLogEntry
}

/**
 * What Spark would tell of the batch, counted in the log: every stream of the topics that it reads.
 *
 * @param parts `starts`: where the first batch begins
 */
export async function countBatch(
  session: SparkSession,
  { batch, before, planned }: PlannedBatch,
  parts: {
    readonly sources: Readonly<Record<string, StreamSource>>
    readonly starts: OffsetsByTopic
    readonly kafka: Readonly<Record<string, string>>
    readonly timeoutMs: number
  },
): Promise<FinishedBatch> {
  const from: Readonly<Record<string, OffsetsByPartition>> = before
    ? lowestOffsets(before.sources)
    : parts.starts
  const lateWatermarkMs = before?.metadata.batchWatermarkMs ?? 0
  const observedMetrics: Record<string, FinishedBatch['observedMetrics'][string]> = {}
  let dropped = 0
  for (const [topic, to] of Object.entries(lowestOffsets(planned.sources))) {
    for (const source of Object.values(parts.sources)) {
      if (source.topic !== topic) continue
      const range = { from: from[topic] ?? {}, to, lateWatermarkMs, timeoutMs: parts.timeoutMs }
      const counts = await countRange(session, source, parts.kafka, range)
      observedMetrics[observationName(source.name)] = counts.observed
      dropped += counts.dropped
    }
  }
  return {
    batchId: batch,
    observedMetrics,
    watermark: new Date(planned.metadata.batchWatermarkMs).toISOString(),
    stateOperators: [{ rowsDroppedByWatermark: dropped }],
  }
}
