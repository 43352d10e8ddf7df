type Options = Readonly<Record<string, string>>

/**
 * How Spark's tasks read Kafka, the same for live queries and replays. After every poll Spark asks
 * Kafka twice for the ends of the partition, so a poll has to bring many records; and what it asks
 * waits behind a fetch that waits for records, so that must not be long.
 */
export const readTuning: Options = {
  'kafka.max.poll.records': '20000',
  'kafka.fetch.max.wait.ms': '50',
  // A fetch for each task and one ahead of it are in memory: 4 MiB each with 2 tasks are 16 MiB.
  'kafka.max.partition.fetch.bytes': String(4 * 1024 * 1024),
  'kafka.receive.buffer.bytes': String(1024 * 1024),
}

/** How Spark's tasks write changelogs. */
export const changelogTuning: Options = {
  'kafka.acks': 'all',
  'kafka.linger.ms': '5',
  'kafka.batch.size': String(256 * 1024),
}
