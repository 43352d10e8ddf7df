import { type IncomingRecord, KafkaError } from '../port.ts'
import type { Reader } from './reader.ts'

const FETCH_BYTES_MAX = 4 * 1024 * 1024
/** Enough for most records; what does not fit comes with the next fetch. */
const FETCH_BYTES_PER_RECORD = 16 * 1024
/** Steps over markers and emptied batches in one call. */
const FETCHES_MAX = 1_000

/** Committed records from the offset on, at most `recordsMax`; empty at the end. */
export async function readAt(
  reader: Reader,
  topic: string,
  partition: number,
  offset: bigint,
  recordsMax: number,
): Promise<IncomingRecord[]> {
  const bytesMax = Math.min(FETCH_BYTES_MAX, recordsMax * FETCH_BYTES_PER_RECORD)
  let position = offset
  for (let fetches = 0; fetches < FETCHES_MAX; fetches += 1) {
    const request = { topic, partition, offset: position, waitMs: 0, bytesMax }
    const { records, nextOffset, stableEnd } = await reader.fetch(request)
    if (records.length > 0) return records.slice(0, recordsMax)
    if (position >= stableEnd) return []
    position = nextOffset !== undefined && nextOffset > position ? nextOffset : position + 1n
  }
  const text = `"${topic}" partition ${partition} has no record from ${offset} to ${position}`
  throw new KafkaError('unavailable', `${text}: read on from there`)
}
