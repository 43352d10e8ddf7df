import { EARLIEST, LATEST } from '../broker-link.ts'
import { type IncomingRecord, KafkaError } from '../port.ts'
import type { Reader } from './reader.ts'

const FETCH_WAIT_MS = 100
const FETCH_BYTES_MAX = 4 * 1024 * 1024
/** An open transaction holds readers back; Kafka ends it after the producer's timeout (60 s). */
const STANDSTILL_MS_MAX = 90_000

interface Range {
  readonly partition: number
  position: bigint
  readonly end: bigint
}

/**
 * Every committed record from the beginning to the end as of the first step, one partition after
 * the other, without a consumer group. Closes the reader.
 */
export async function* readToEnd(
  reader: Reader,
  topic: string,
): AsyncGenerator<IncomingRecord, void> {
  try {
    for (const range of await rangesOf(reader, topic)) {
      let movedAt = Date.now()
      while (range.position < range.end) {
        const before = range.position
        for (const record of await next(reader, topic, range)) yield record
        if (range.position > before) movedAt = Date.now()
        else if (Date.now() - movedAt > STANDSTILL_MS_MAX) throw standstill(topic, range)
      }
    }
  } finally {
    await reader.close()
  }
}

function rangesOf(reader: Reader, topic: string): Promise<Range[]> {
  return reader.ask(topic, async (link) => {
    const ends = await link.listOffsets(topic, LATEST)
    const begins = await link.listOffsets(topic, EARLIEST)
    return ends.map(({ partition, offset }) => ({
      partition,
      end: offset,
      position: begins.find((begin) => begin.partition === partition)?.offset ?? 0n,
    }))
  })
}

/** The next records before the range's end; moves its position past everything that was seen. */
async function next(reader: Reader, topic: string, range: Range): Promise<IncomingRecord[]> {
  const { records, nextOffset, stableEnd } = await reader.fetch({
    topic,
    partition: range.partition,
    offset: range.position,
    waitMs: FETCH_WAIT_MS,
    bytesMax: FETCH_BYTES_MAX,
  })
  if (nextOffset !== undefined && nextOffset > range.position) range.position = nextOffset
  // A batch that compaction emptied hides what comes next: only one step can skip no record.
  else if (nextOffset !== undefined || stableEnd > range.position) range.position += 1n
  return records.filter((record) => record.offset < range.end)
}

function standstill(topic: string, { partition, position, end }: Range): KafkaError {
  return new KafkaError(
    'unavailable',
    `Reading "${topic}" partition ${partition} stood at ${position} of ${end} for ${STANDSTILL_MS_MAX} ms: is a transaction open?`,
  )
}
