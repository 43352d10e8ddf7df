import type { PartitionOffset } from '../port.ts'
import type { Broker } from './internals.ts'

const READ_UNCOMMITTED = 0

/** What is needed of a link to ask each partition's leader. */
interface Leaders {
  describe(topic: string): Promise<readonly (number | undefined)[]>
  broker(nodeId: number): Promise<Broker>
}

/** One offset for each partition, in the order of the partitions. */
export async function listOffsets(
  link: Leaders,
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
