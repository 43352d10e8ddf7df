import type { OffsetsByPartition, OffsetsByTopic } from '@kappa/applications/offsets'
import type { PositionRecord } from '@kappa/applications/records'

/** What Redis has applied of a changelog: next offsets in the order of its partitions. */
export type AppliedOffsets = readonly (bigint | undefined)[]

/** Whether `position` has every offset of the topics that both have. */
export function reaches(position: OffsetsByTopic, other: OffsetsByTopic): boolean {
  return Object.entries(other).every(([topic, offsets]) => {
    const own = position[topic]
    if (own === undefined) return true
    return Object.entries(offsets).every(
      ([partition, offset]) => BigInt(own[partition] ?? 0) >= BigInt(offset),
    )
  })
}

/** Whether all that Redis shows of a changelog was written up to this position. */
export function coversApplied(changelog: OffsetsByPartition, applied: AppliedOffsets): boolean {
  return applied.every(
    (next, partition) => next === undefined || BigInt(changelog[partition] ?? 0) >= next,
  )
}

/** Whether Redis has all that was written up to a position. */
export function isApplied(changelog: OffsetsByPartition, applied: AppliedOffsets): boolean {
  return Object.entries(changelog).every(
    ([partition, end]) => (applied[Number(partition)] ?? -1n) >= BigInt(end),
  )
}

const candidatesMax = 64

/** The positions of a view that were seen lately, newest last: those that come true in Redis count. */
export class RecentPositions {
  #records: PositionRecord[] = []

  add(record: PositionRecord | undefined): void {
    if (record === undefined || record === this.#records.at(-1)) return
    this.#records = [...this.#records, record].slice(-candidatesMax)
  }

  get newest(): PositionRecord | undefined {
    return this.#records.at(-1)
  }

  /** Whether readers who see what is applied see every event up to `wanted`. */
  show(wanted: OffsetsByTopic, applied: AppliedOffsets): boolean {
    return this.#records.some(
      ({ sources, changelog }) => reaches(sources, wanted) && isApplied(changelog, applied),
    )
  }
}
