import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { Throttle } from '@kappa/applications/throttle'
import { EARLIEST, kafkaOffsetsJson } from './kafka-offsets.ts'

/** How the streams of a session are read by the query that is started next. */
export interface StreamsReading {
  /** Added to the narrow delay of the watermark, ms, by stream; 0 for those not named. */
  readonly slackMs: Readonly<Record<string, number>>
  /**
   * What a batch takes: everything that is in the log where nothing is said, at most so many records
   * of each topic, or nothing at all, which leaves what the checkpoint has planned already.
   */
  readonly batch?: 'nothing' | { readonly eventsMaxByTopic: Readonly<Record<string, number>> }
  readonly throttle?: Throttle
  /** Where the log ends: tells the partitions of the topics whose starts are given. */
  readonly ends?: OffsetsByTopic
}

/** Batches take everything that is in the log, and the watermark's delay is the narrow one. */
export const unbounded: StreamsReading = { slackMs: {} }

/**
 * A batch waits for more records than there will be, for longer (109 years) than has passed since the
 * epoch, which is when Spark takes the last batch of a new query to have been.
 */
const nothing = { minOffsetsPerTrigger: '9223372036854775807', maxTriggerDelay: '40000d' }

/**
 * Options of Spark's Kafka source for one topic.
 *
 * @param starts where a query without a checkpoint begins, by topic; at the first kept record of
 *   topics and partitions that are not named
 */
export function readOptions(
  topic: string,
  reading: StreamsReading,
  starts: OffsetsByTopic,
): Record<string, string> {
  const eventsMax = typeof reading.batch === 'object' && reading.batch.eventsMaxByTopic[topic]
  return {
    subscribe: topic,
    startingOffsets: startingOffsets(topic, reading, starts),
    ...(reading.batch === 'nothing' ? nothing : {}),
    ...(eventsMax ? { maxOffsetsPerTrigger: String(eventsMax) } : {}),
  }
}

/** Spark wants every partition to be named as soon as one is. */
function startingOffsets(topic: string, { ends }: StreamsReading, starts: OffsetsByTopic): string {
  const named = starts[topic]
  if (named === undefined) return 'earliest'
  const rest = Object.keys(ends?.[topic] ?? {}).map((partition) => [partition, EARLIEST])
  return kafkaOffsetsJson({ [topic]: { ...Object.fromEntries(rest), ...named } })
}
