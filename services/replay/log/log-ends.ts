import type { OffsetsByPartition } from '@kappa/applications/records'
import type { Kafka } from '@kappa/kafka/port'

/** Where the log ends: next offsets by topic and partition. */
export type LogEnds = Readonly<Record<string, OffsetsByPartition>>

export async function readLogEnds(kafka: Kafka, topics: readonly string[]): Promise<LogEnds> {
  const ends = await Promise.all(topics.map((topic) => kafka.admin.endOffsets(topic)))
  return Object.fromEntries(
    topics.map((topic, index) => [
      topic,
      Object.fromEntries(
        (ends[index] ?? []).map(({ partition, offset }) => [partition, String(offset)]),
      ),
    ]),
  )
}
