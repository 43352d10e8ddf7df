import type { OffsetsByTopic } from '@kappa/applications/offsets'

/**
 * How many records of each topic a batch may take, so that all of a query's sources come to the ends
 * after the same number of batches: at every moment each has read the same fraction of what it had
 * to read, and so have, by Spark's own rule, the partitions of a topic. Rounded up: at most one record
 * more for each source than `eventsPerBatchMax` allows.
 *
 * @param sources where each source of the query is; a topic comes as often as it is read
 */
export function batchLimits(
  sources: readonly OffsetsByTopic[],
  ends: OffsetsByTopic,
  eventsPerBatchMax: number,
): Record<string, number> {
  const unread = sources.flatMap((source) =>
    Object.keys(source).map((topic) => [topic, unreadOf(source, ends, topic)] as const),
  )
  const total = unread.reduce((sum, [, count]) => sum + count, 0)
  const batches = Math.max(1, Math.ceil(total / eventsPerBatchMax))
  const limits: Record<string, number> = {}
  for (const [topic, count] of unread) {
    limits[topic] = Math.max(limits[topic] ?? 1, Math.ceil(count / batches))
  }
  return limits
}

function unreadOf(source: OffsetsByTopic, ends: OffsetsByTopic, topic: string): number {
  let count = 0n
  for (const [partition, end] of Object.entries(ends[topic] ?? {})) {
    const unread = BigInt(end) - BigInt(source[topic]?.[partition] ?? 0)
    if (unread > 0n) count += unread
  }
  return Number(count)
}
