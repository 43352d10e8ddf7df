import type { OffsetsByPartition } from '@kappa/applications/offsets'
import { quoteName } from '@kappa/applications/spark-sql'
import { planStream, type StreamSource } from '@kappa/applications/stream-plan'
import type { StreamingQueryProgress } from '@kappa/spark-connect/progress'
import type { SparkSession } from '@kappa/spark-connect/session'
import { EARLIEST, kafkaOffsetsJson } from '../spark/kafka-offsets.ts'

export interface RangeCounts {
  /** What the stream's observation would tell of a batch of these records. */
  readonly observed: StreamingQueryProgress['observedMetrics'][string]
  /** Rows that are on time and not above the watermark: those that its first operator drops. */
  readonly dropped: number
}

/**
 * Counts a range of a stream's topic, by a job of its own over the stream's plan. Spark tells nothing of
 * a batch that it repeats after a restart: its Kafka source fails on the way, after the commit.
 *
 * @param from first offsets; at the first kept record for partitions that are not named
 * @param to ends, exclusive
 * @param lateWatermarkMs what rows of the batch are judged by: the watermark of the batch before
 */
export async function countRange(
  session: SparkSession,
  source: StreamSource,
  kafka: Readonly<Record<string, string>>,
  range: {
    readonly from: OffsetsByPartition
    readonly to: OffsetsByPartition
    readonly lateWatermarkMs: number
    readonly timeoutMs: number
  },
): Promise<RangeCounts> {
  const plan = planStream(source, { watermarkSlackMs: 0 })
  const begins = Object.keys(range.to).map((partition) => [
    partition,
    range.from[partition] ?? EARLIEST,
  ])
  const late = `${quoteName(source.eventTime)} <= timestamp_millis(${range.lateWatermarkMs}L)`
  const [row] = await session
    .read({
      format: 'kafka',
      options: {
        ...kafka,
        subscribe: plan.topic,
        startingOffsets: kafkaOffsetsJson({ [plan.topic]: Object.fromEntries(begins) }),
        endingOffsets: kafkaOffsetsJson({ [plan.topic]: range.to }),
        includeHeaders: 'true',
        failOnDataLoss: 'true',
      },
    })
    .select(...plan.envelope)
    .select(...plan.decoded)
    .select(...plan.observation.metrics, `count_if((${plan.onTime}) AND ${late}) AS _dropped`)
    .collect({ timeoutMs: range.timeoutMs })
  const { _dropped, ...metrics } = row ?? {}
  const observed = Object.entries(metrics).map(([name, value]) => [
    name,
    value === null ? null : String(value),
  ])
  return { observed: Object.fromEntries(observed), dropped: Number(_dropped) }
}
