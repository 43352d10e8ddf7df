import { eventTimeBounds } from '@kappa/applications/event-time-bounds'
import type { OffsetsByPartition } from '@kappa/applications/offsets'
import type { StreamSource } from '@kappa/applications/stream-plan'
import type { IncomingRecord, Kafka } from '@kappa/kafka/port'
import { mapInFlight, readsInFlightMax } from './in-flight.ts'
import { recordsBetween } from './log-size.ts'
import { type SampledPartition, slackOf } from './slack.ts'

type LogReader = Pick<Kafka, 'readAt'>

export interface SlackOptions {
  /** Records that are read of all partitions together; at least two of each partition. */
  readonly samplesMax: number
  /** Spark's `maxOffsetsPerTrigger`; the smallest, should it change on the way. */
  readonly batchRecordsMax: number
}

export interface Slack {
  /** Delay of the watermark with which Spark drops nothing of the range. */
  readonly slackMs: number
  /** Records that it was found from. */
  readonly samples: number
}

/** A part of a partition that is to be read. */
interface Range {
  readonly topic: string
  readonly partition: number
  readonly from: bigint
  readonly to: bigint
}

/**
 * How far behind the newest event the watermark of a stream has to stay so that a query which reads
 * this range drops no event of it, whatever is in the values: a bound from the headers of records
 * that are evenly spread over each partition. See `slackOf` for why it is one.
 *
 * It holds for batches that take from each partition in proportion to what is unread of it up to an
 * end that is fixed when the query starts (Spark's `Trigger.AvailableNow`). Spark takes that end
 * itself: what was appended between `range.to` and the start shifts the shares, so ask again with
 * the end that its progress shows (`latestOffset`) whether the delay is enough. Events appended after
 * that end are what the delay of `planStream` is for: use the greater of both.
 *
 * @throws KafkaError when the log cannot be read; `offset_out_of_range` when retention has passed
 *   the range's begin.
 */
export async function sampleSlack(
  kafka: LogReader,
  source: StreamSource,
  range: { readonly from: OffsetsByPartition; readonly to: OffsetsByPartition },
  { samplesMax, batchRecordsMax }: SlackOptions,
): Promise<Slack> {
  // One batch takes it all: see `slackOf`.
  if (recordsBetween(range.from, range.to) < batchRecordsMax) return { slackMs: 0, samples: 0 }
  const ranges = rangesOf(source.topic, range.from, range.to)
  const perPartition = Math.max(2, Math.floor(samplesMax / ranges.length))
  const records = await readSamples(kafka, ranges, perPartition)
  const partitions: SampledPartition[] = ranges.map(({ from, to }, index) => {
    const samples = (records[index] ?? []).map((record) => ({
      offset: record.offset,
      bounds: eventTimeBounds(record, source),
    }))
    return { from, to, samples }
  })
  const samples = partitions.reduce((sum, partition) => sum + partition.samples.length, 0)
  return { slackMs: slackOf(partitions, source, batchRecordsMax), samples }
}

function rangesOf(topic: string, froms: OffsetsByPartition, tos: OffsetsByPartition): Range[] {
  return Object.entries(tos)
    .map(([partition, end]) => ({
      topic,
      partition: Number(partition),
      from: BigInt(froms[partition] ?? 0),
      to: BigInt(end),
    }))
    .filter(({ from, to }) => from < to)
}

/** By range: its first and last record and those between, by offset, each once. */
async function readSamples(
  kafka: LogReader,
  ranges: readonly Range[],
  perPartition: number,
): Promise<IncomingRecord[][]> {
  const lasts = await mapInFlight(ranges, readsInFlightMax, (range) => lastRecord(kafka, range))
  const places = ranges.flatMap((range, index) => {
    const last = lasts[index]
    if (last === undefined) return []
    const offsets = spread(range.from, last.offset, perPartition - 1)
    return offsets.map((offset) => ({ index, range, offset }))
  })
  const samples = lasts.map(() => new Map<bigint, IncomingRecord>())
  await mapInFlight(places, readsInFlightMax, async ({ index, range, offset }) => {
    const record = await readRecord(kafka, range, offset)
    if (record !== undefined) samples[index]?.set(record.offset, record)
  })
  return samples.map((byOffset, index) => {
    const last = lasts[index]
    if (last !== undefined) byOffset.set(last.offset, last)
    return [...byOffset.values()].sort((one, other) => (one.offset < other.offset ? -1 : 1))
  })
}

/** Offsets from `from` on, evenly spread up to `end` (exclusive), at most `count`. */
function spread(from: bigint, end: bigint, count: number): bigint[] {
  const length = end - from
  const steps = BigInt(count) < length ? BigInt(count) : length
  return Array.from({ length: Number(steps) }, (_, step) => from + (BigInt(step) * length) / steps)
}

/** The first record at or after the offset and before the end of the range. */
async function readRecord(
  kafka: LogReader,
  { topic, partition, to }: Range,
  offset: bigint,
): Promise<IncomingRecord | undefined> {
  const [record] = await kafka.readAt(topic, partition, offset, 1)
  return record !== undefined && record.offset < to ? record : undefined
}

/** Almost always the first read finds it; marks of transactions may take the last offsets. */
async function lastRecord(kafka: LogReader, range: Range): Promise<IncomingRecord | undefined> {
  let last: IncomingRecord | undefined
  // It is at or after `low`, and before `high`.
  let low = range.from
  let high = range.to
  let probe = high - 1n
  while (low < high) {
    const record = await readRecord(kafka, range, probe)
    if (record === undefined) high = probe
    else {
      last = record
      low = record.offset + 1n
    }
    probe = (low + high) / 2n
  }
  return last
}
