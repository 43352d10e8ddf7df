import type { OffsetsByPartition, OffsetsByTopic } from '@kappa/applications/offsets'
import type { ReplayFrom } from '@kappa/applications/replay-record'
import type { StreamSource } from '@kappa/applications/stream-plan'
import { parseTimestamp } from '@kappa/contracts/temporal'
import type { Kafka, KafkaAdmin } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'
import { firstNeeded, type HeldPartition } from './first-needed.ts'
import { mapInFlight, readsInFlightMax } from './in-flight.ts'
import { readLogBegins, readLogEnds } from './log-ends.ts'

export interface LogReader {
  readonly admin: Pick<KafkaAdmin, 'beginOffsets' | 'endOffsets'>
  readonly readAt: Kafka['readAt']
}

export interface Starts {
  /** First offset to be read of every partition of the streams' topics. */
  readonly starts: OffsetsByTopic
  /**
   * Records by topic that retention has deleted and that should have been read. From an event time
   * it is at most that many: 0 where the log proves that it still holds everything that is needed.
   */
  readonly missing: Readonly<Record<string, number>>
}

interface Start {
  readonly offset: bigint
  readonly missing: bigint
}

/**
 * Where a replay of these streams begins to read. Streams of one topic begin together.
 *
 * - `earliest`: at the first record that is left; all before it are missing.
 * - offsets: as given, from the first offset on where none is given.
 * - an event time: early enough for every event that counts and has that time or a later one, less
 *   `windowMs`.
 *
 * @param windowMs how far before the event time events are needed: the longest window
 * @throws ServiceError `bad_request` for a time that is none, or an unknown topic or partition, or
 *   an offset past the end: names it, what it got and what is possible
 * @throws KafkaError when the log cannot be read
 */
export async function resolveStarts(
  kafka: LogReader,
  from: ReplayFrom,
  sources: readonly StreamSource[],
  { windowMs = 0 }: { readonly windowMs?: number } = {},
): Promise<Starts> {
  const startOf = starter(kafka, from, sources, windowMs)
  const topics = [...new Set(sources.map(({ topic }) => topic))]
  // In this order: what is deleted meanwhile is never taken for held.
  const ends = await readLogEnds(kafka, topics)
  const begins = await readLogBegins(kafka, topics)
  const partitions = topics.flatMap((topic) => heldPartitions(topic, begins, ends))
  if (typeof from === 'object' && 'offsets' in from) checkOffsets(from.offsets, partitions)
  const found = await mapInFlight(partitions, readsInFlightMax, startOf)
  const starts: Record<string, Record<string, string>> = {}
  const missing: Record<string, number> = {}
  for (const [index, { topic, partition }] of partitions.entries()) {
    const start = found[index] as Start
    starts[topic] = { ...starts[topic], [partition]: String(start.offset) }
    missing[topic] = (missing[topic] ?? 0) + Number(start.missing)
  }
  return { starts, missing }
}

function starter(
  kafka: LogReader,
  from: ReplayFrom,
  sources: readonly StreamSource[],
  windowMs: number,
): (held: HeldPartition) => Promise<Start> {
  if (from === 'earliest') return async (held) => startAt(0n, held)
  if ('offsets' in from) {
    const { offsets } = from
    return async (held) => startAt(BigInt(offsets[held.topic]?.[held.partition] ?? 0), held)
  }
  const sinceMs = parseTime(from.timestamp) - windowMs
  return async (held) => {
    const streams = sources.filter(({ topic }) => topic === held.topic)
    const offsets = streams.map((source) => firstNeeded(kafka, held, source, sinceMs))
    const offset = (await Promise.all(offsets)).reduce((one, other) => (one < other ? one : other))
    // Past the begin, everything before it is older, the deleted records included.
    return { offset, missing: offset === held.begin ? held.begin : 0n }
  }
}

function startAt(asked: bigint, { begin }: HeldPartition): Start {
  return asked < begin ? { offset: begin, missing: begin - asked } : { offset: asked, missing: 0n }
}

function parseTime(text: string): number {
  const instant = { epochMs: 0, micros: 0 }
  const wrong = parseTimestamp(text, true, instant)
  if (wrong === undefined) return instant.epochMs
  throw new ServiceError(
    'bad_request',
    `from.timestamp: ${wrong}; got ${JSON.stringify(text.slice(0, 80))}. Give an event time such as 2013-01-01T05:17:00Z.`,
  )
}

function heldPartitions(
  topic: string,
  begins: OffsetsByTopic,
  ends: OffsetsByTopic,
): HeldPartition[] {
  return Object.entries(ends[topic] ?? {}).map(([partition, end]) => {
    const begin = begins[topic]?.[partition] ?? '0'
    return { topic, partition: Number(partition), begin: BigInt(begin), end: BigInt(end) }
  })
}

function checkOffsets(offsets: OffsetsByTopic, partitions: readonly HeldPartition[]): void {
  for (const [topic, byPartition] of Object.entries(offsets)) {
    const held = partitions.filter((one) => one.topic === topic)
    if (held.length === 0) {
      const topics = [...new Set(partitions.map((one) => one.topic))].join(', ')
      refuse(`no stream reads topic ${topic}. The streams read ${topics}.`)
    }
    checkPartitions(topic, byPartition, held)
  }
}

function checkPartitions(
  topic: string,
  offsets: OffsetsByPartition,
  held: readonly HeldPartition[],
): void {
  for (const [partition, offset] of Object.entries(offsets)) {
    const found = held.find((one) => String(one.partition) === partition)
    if (found === undefined) {
      const known = held.map((one) => one.partition).join(', ')
      refuse(`topic ${topic} has no partition ${partition}. Its partitions are ${known}.`)
    } else if (BigInt(offset) > found.end) {
      refuse(
        `offset ${offset} of topic ${topic}, partition ${partition}, is past the end of the log. The partition holds offsets ${found.begin} up to ${found.end}; give ${found.end} at most.`,
      )
    }
  }
}

function refuse(problem: string): never {
  throw new ServiceError('bad_request', `from.offsets: ${problem}`)
}
