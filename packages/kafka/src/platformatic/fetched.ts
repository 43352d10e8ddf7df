import type { fetchV10, RecordsBatch } from '@platformatic/kafka'
import type { Fetched } from '../broker-link.ts'
import type { IncomingRecord } from '../port.ts'

type FetchResponse = Awaited<ReturnType<(typeof fetchV10.api)['async']>>
export type FetchedPartition = FetchResponse['responses'][number]['partitions'][number]

/** Attributes of a record batch: https://kafka.apache.org/documentation/#recordbatch */
const LOG_APPEND_TIME = 0b1000
const TRANSACTIONAL = 0b1_0000
const CONTROL = 0b10_0000
/** Type of a control record, after the version in its key. */
const ABORT_MARKER = 0

/** Committed records from the offset on; a broker sends the whole batch that the offset is in. */
export function fetchedOf(topic: string, offset: bigint, partition: FetchedPartition): Fetched {
  const records: IncomingRecord[] = []
  const aborted = (partition.abortedTransactions ?? []).toSorted((a, b) =>
    a.firstOffset < b.firstOffset ? -1 : 1,
  )
  const aborting = new Set<bigint>()
  let nextOffset: bigint | undefined
  for (const batch of partition.records ?? []) {
    const lastOffset = batch.firstOffset + BigInt(batch.lastOffsetDelta)
    nextOffset = lastOffset + 1n
    while (aborted[0] && aborted[0].firstOffset <= lastOffset) {
      aborting.add((aborted.shift() as { producerId: bigint }).producerId)
    }
    if (batch.attributes & CONTROL) {
      if (batch.records[0]?.key?.readInt16BE(2) === ABORT_MARKER) aborting.delete(batch.producerId)
      continue
    }
    if (batch.attributes & TRANSACTIONAL && aborting.has(batch.producerId)) continue
    addRecords(records, topic, partition.partitionIndex, offset, batch)
  }
  return {
    records,
    nextOffset,
    stableEnd: partition.lastStableOffset,
    endOffset: partition.highWatermark,
  }
}

function addRecords(
  records: IncomingRecord[],
  topic: string,
  partition: number,
  from: bigint,
  batch: RecordsBatch,
): void {
  const appendTime = (batch.attributes & LOG_APPEND_TIME) !== 0
  for (const { offsetDelta, timestampDelta, key, value, headers } of batch.records) {
    const offset = batch.firstOffset + BigInt(offsetDelta)
    if (offset < from) continue
    const timestamp = appendTime ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta
    records.push({
      topic,
      partition,
      offset,
      timestamp: Number(timestamp),
      key,
      value,
      headers: headersOf(headers),
    })
  }
}

/** Of a header that is there several times, the last one counts. */
function headersOf(
  entries: readonly (readonly [Buffer | null, Buffer | null])[],
): Record<string, Buffer> {
  const headers: Record<string, Buffer> = {}
  for (const [name, value] of entries) if (name && value) headers[name.toString()] = value
  return headers
}
