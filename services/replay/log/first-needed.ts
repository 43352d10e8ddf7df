import { eventTimeBounds } from '@kappa/applications/event-time-bounds'
import type { StreamSource } from '@kappa/applications/stream-plan'
import type { Kafka } from '@kappa/kafka/port'
import { newestUpTo } from './event-times.ts'

/** What a partition holds: offsets from `begin` up to `end` (exclusive). */
export interface HeldPartition {
  readonly topic: string
  readonly partition: number
  readonly begin: bigint
  readonly end: bigint
}

/**
 * The offset from which a partition has to be read so that no event that counts is missed of those
 * with an event time of `sinceMs` (epoch milliseconds) or later; the end where there is none. A
 * search by halves that goes up only past records with a bound on everything before them, so it is
 * right in whatever disorder the times are: at worst it starts too early, by the disorder.
 *
 * @throws KafkaError when the log cannot be read
 */
export async function firstNeeded(
  kafka: Pick<Kafka, 'readAt'>,
  { topic, partition, begin, end }: HeldPartition,
  source: Pick<StreamSource, 'latenessMs' | 'earlinessMs'>,
  sinceMs: number,
): Promise<bigint> {
  // Everything below `low` is older; of what is at `high` or above it is not known.
  let low = begin
  let high = end
  while (low < high) {
    const probe = (low + high) / 2n
    const [record] = await kafka.readAt(topic, partition, probe, 1)
    const older =
      record !== undefined &&
      record.offset < high &&
      newestUpTo(eventTimeBounds(record, source)) < sinceMs
    if (older) low = record.offset + 1n
    else high = probe
  }
  return low
}
