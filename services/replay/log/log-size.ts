import type { OffsetsByPartition, OffsetsByTopic } from '@kappa/applications/offsets'

/**
 * Offsets from `from` up to `to` (exclusive) over all partitions: as many records, but for the marks
 * of transactions. A partition that `from` does not name counts from its first offset, one that `to`
 * does not name counts nothing.
 */
export function recordsBetween(from: OffsetsByPartition, to: OffsetsByPartition): number {
  let records = 0n
  for (const [partition, end] of Object.entries(to)) {
    const count = BigInt(end) - BigInt(from[partition] ?? 0)
    if (count > 0n) records += count
  }
  return Number(records)
}

/** The same by topic, for the topics of `to`. */
export function recordsByTopic(from: OffsetsByTopic, to: OffsetsByTopic): Record<string, number> {
  const counts = Object.entries(to).map(([topic, ends]) => [
    topic,
    recordsBetween(from[topic] ?? {}, ends),
  ])
  return Object.fromEntries(counts)
}
