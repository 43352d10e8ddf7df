import type { EventTimeBounds } from '@kappa/applications/event-time-bounds'
import type { StreamSource } from '@kappa/applications/stream-plan'
import { newestUpTo, oldestFrom } from './event-times.ts'

/** What was sampled of one partition, between the offsets `from` and `to` (exclusive). */
export interface SampledPartition {
  readonly from: bigint
  readonly to: bigint
  /** By offset; the first and the last record of the range are among them. Empty: no record. */
  readonly samples: readonly { readonly offset: bigint; readonly bounds: EventTimeBounds }[]
}

/** Fractions that are looked at for one sample of a partition: closer ones add nothing but work. */
const fractionsPerSample = 2

/**
 * The smallest delay of the watermark, in milliseconds, that the samples prove to drop nothing while
 * Spark reads the partitions' ranges, each batch a share of what is unread of each partition.
 *
 * Why it is a bound. Were shares not rounded, every partition would have read the same fraction
 * of its range after any batch. A share is rounded by a record at most, and what a partition has
 * strayed from the common fraction shrinks as its unread range does; so it strays by no more records
 * than there are batches. Hence at any time there is a fraction so that each partition has read no
 * more than that fraction and the stray, and no less than it without the stray. For each step of the
 * fraction the bound of what is read comes from a sample at or after the most that may be read
 * by the step's end, and the bound of what is unread from a sample at or before the least that is
 * read at its beginning: `newestUpTo` and `oldestFrom` hold for everything before and after their
 * sample. Spark drops what is not newer than its watermark, therefore one millisecond more.
 *
 * @param batchRecordsMax Spark's `maxOffsetsPerTrigger`; the smallest, should it change on the way
 */
export function slackOf(
  partitions: readonly SampledPartition[],
  source: StreamSource,
  batchRecordsMax: number,
): number {
  const records = partitions.reduce((sum, { from, to }) => sum + Number(to - from), 0)
  // One batch takes it all: nothing is left that its watermark could drop.
  if (records < batchRecordsMax) return 0
  const stray = batchesMax(records, partitions.length, batchRecordsMax)
  const ranges = partitions.filter(({ samples }) => samples.length > 0)
  const timelines = ranges.map((partition) => timelineOf(partition, source))
  const steps = fractionsPerSample * Math.max(1, ...ranges.map(({ samples }) => samples.length))
  let needMs = Number.NEGATIVE_INFINITY
  for (let step = 0; step < steps; step++) {
    let newestMs = Number.NEGATIVE_INFINITY
    let oldestMs = Number.POSITIVE_INFINITY
    for (const timeline of timelines) {
      newestMs = Math.max(newestMs, newestRead(timeline, (step + 1) / steps, stray))
      oldestMs = Math.min(oldestMs, oldestUnread(timeline, step / steps, stray))
    }
    needMs = Math.max(needMs, newestMs - oldestMs)
  }
  return Math.max(0, needMs + 1)
}

/** A partition's samples, by their distance from the begin of its range. */
interface Timeline {
  readonly length: number
  readonly distances: readonly number[]
  readonly newestMs: readonly number[]
  readonly oldestMs: readonly number[]
}

function timelineOf({ from, to, samples }: SampledPartition, source: StreamSource): Timeline {
  // Imports come first, so that the last record tells whether there are live events.
  const live = samples.at(-1)?.bounds.imported === false
  return {
    length: Number(to - from),
    distances: samples.map(({ offset }) => Number(offset - from)),
    newestMs: samples.map(({ bounds }) => newestUpTo(bounds)),
    oldestMs: samples.map(({ bounds }) => oldestFrom(bounds, source, live)),
  }
}

function newestRead(timeline: Timeline, fraction: number, stray: number): number {
  const { length, distances, newestMs } = timeline
  const read = Math.min(length, Math.ceil(fraction * length) + stray)
  const sample = Math.min(firstFrom(distances, read - 1), distances.length - 1)
  return newestMs[sample] as number
}

function oldestUnread(timeline: Timeline, fraction: number, stray: number): number {
  const { length, distances, oldestMs } = timeline
  const read = Math.max(0, Math.floor(fraction * length) - stray)
  const sample = Math.max(firstFrom(distances, read + 1) - 1, 0)
  return oldestMs[sample] as number
}

/** Index of the first of the ascending distances that is not below; their number if there is none. */
function firstFrom(distances: readonly number[], distance: number): number {
  let low = 0
  let high = distances.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((distances[middle] as number) < distance) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Batches at most, and one for the floating point in which Spark computes shares. Rounding takes
 * less than a record from each partition's share, and less than half of it: a share below one record
 * is rounded up.
 */
function batchesMax(records: number, partitions: number, batchRecordsMax: number): number {
  return 1 + Math.ceil(records / Math.max(batchRecordsMax - partitions, batchRecordsMax / 2))
}
