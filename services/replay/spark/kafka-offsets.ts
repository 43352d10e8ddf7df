import type { OffsetsByTopic } from '@kappa/applications/offsets'

/** To Spark the first offset that is kept. */
export const EARLIEST = '-2'

/** Offsets as Spark's Kafka source reads and writes them: `{"topic":{"0":12}}`, numbers as they are. */
export function kafkaOffsetsJson(offsets: OffsetsByTopic): string {
  const topics = Object.entries(offsets).map(([topic, partitions]) => {
    const entries = Object.entries(partitions)
      .sort(([a], [b]) => Number(a) - Number(b))
      .map(([partition, offset]) => `${JSON.stringify(partition)}:${offset}`)
    return `${JSON.stringify(topic)}:{${entries.join(',')}}`
  })
  return `{${topics.join(',')}}`
}
