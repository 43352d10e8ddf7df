import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { OffsetLogEntry } from './offset-log.ts'

/** A query cannot be made to stop exactly at the offsets that were asked for. */
export class CutError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'CutError'
  }
}

/**
 * The batch after `newest` that ends exactly at `cut`, as Spark would have planned it: written to the
 * offset log of a query that does not run, it is what the query runs first when it is started again.
 *
 * @param newest the offset log of the newest committed batch
 * @param nextWatermarkMs what its commit says
 * @param cut topics that the query does not read are ignored
 * @returns undefined when the query is at the cut already
 * @throws CutError when it is beyond it somewhere, or the cut does not say where
 */
export function planForcedBatch(
  newest: OffsetLogEntry,
  nextWatermarkMs: number,
  cut: OffsetsByTopic,
): OffsetLogEntry | undefined {
  const sources = newest.sources.map((source) => advance(source, cut))
  if (sources.every((source, index) => isAt(newest.sources[index] ?? {}, source))) return undefined
  // Not what our clock says: rows of the batches after it carry Spark's, and must be newer.
  const batchTimestampMs = newest.metadata.batchTimestampMs + 1
  return {
    metadata: { ...newest.metadata, batchWatermarkMs: nextWatermarkMs, batchTimestampMs },
    sources,
  }
}

function advance(from: OffsetsByTopic, cut: OffsetsByTopic): OffsetsByTopic {
  const topics = Object.entries(from)
  if (topics.length === 0) {
    throw new CutError('The query has a source of which its checkpoint says no offsets.')
  }
  return Object.fromEntries(
    topics.map(([topic, offsets]) => {
      const ends = cut[topic]
      if (ends === undefined) throw new CutError(`The cut says nothing about the topic ${topic}.`)
      for (const [partition, offset] of Object.entries(offsets)) {
        checkReachable(`${topic}/${partition}`, offset, ends[partition])
      }
      // Partitions that the query has not met yet are those that were added to the topic.
      return [topic, ends]
    }),
  )
}

function checkReachable(place: string, offset: string, end: string | undefined): void {
  if (end === undefined) throw new CutError(`The cut says nothing about the partition ${place}.`)
  if (BigInt(end) < BigInt(offset)) {
    throw new CutError(
      `The query has read ${place} up to ${offset}, beyond the cut at ${end}; cut at a later position.`,
    )
  }
}

function isAt(from: OffsetsByTopic, to: OffsetsByTopic): boolean {
  return Object.entries(to).every(([topic, offsets]) =>
    Object.entries(offsets).every(([partition, offset]) => from[topic]?.[partition] === offset),
  )
}
