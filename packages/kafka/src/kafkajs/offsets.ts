import type { PartitionOffset } from '../port.ts'
import type { Link } from './link.ts'

const READ_UNCOMMITTED = 0

/** One offset for each partition, in the order of the partitions. */
export async function listOffsets(
  link: Link,
  topic: string,
  timestamp: number,
): Promise<PartitionOffset[]> {
  const byLeader = new Map<number, number[]>()
  for (const [partition, leader] of (await link.describe(topic)).entries()) {
    if (leader === undefined) throw new Error(`partition ${partition} of "${topic}" has no leader`)
    byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition])
  }
  const answers = await Promise.all(
    [...byLeader].map(async ([leader, ids]) => {
      const broker = await link.broker(leader)
      const { responses } = await broker.listOffsets({
        isolationLevel: READ_UNCOMMITTED,
        topics: [{ topic, partitions: ids.map((partition) => ({ partition, timestamp })) }],
      })
      return responses.flatMap((response) => response.partitions)
    }),
  )
  return answers
    .flat()
    .map(({ partition, offset }) => ({ partition, offset: BigInt(offset) }))
    .sort((a, b) => a.partition - b.partition)
}
