import type { OffsetsByPartition, OffsetsByTopic } from '@kappa/applications/offsets'
import type { KafkaAdmin, PartitionOffset } from '@kappa/kafka/port'

type Asked<Name extends keyof KafkaAdmin> = { readonly admin: Pick<KafkaAdmin, Name> }

/** Where the log ends: next offsets by topic and partition. */
export function readLogEnds(
  kafka: Asked<'endOffsets'>,
  topics: readonly string[],
): Promise<OffsetsByTopic> {
  return readOffsets(topics, (topic) => kafka.admin.endOffsets(topic))
}

/** The first offsets that retention has left. */
export function readLogBegins(
  kafka: Asked<'beginOffsets'>,
  topics: readonly string[],
): Promise<OffsetsByTopic> {
  return readOffsets(topics, (topic) => kafka.admin.beginOffsets(topic))
}

async function readOffsets(
  topics: readonly string[],
  read: (topic: string) => Promise<readonly PartitionOffset[]>,
): Promise<OffsetsByTopic> {
  const entries = topics.map(async (topic) => [topic, toRecord(await read(topic))] as const)
  return Object.fromEntries(await Promise.all(entries))
}

export function toRecord(offsets: readonly PartitionOffset[]): OffsetsByPartition {
  return Object.fromEntries(offsets.map(({ partition, offset }) => [partition, String(offset)]))
}
