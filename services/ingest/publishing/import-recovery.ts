import { idHeader, importHeader, parseImportMark } from '@kappa/contracts/record-headers'
import type { IncomingRecord, Kafka, Placement } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'
import type { ImportState } from './import-gate.ts'

type LogReader = Pick<Kafka, 'admin' | 'readAt'>

/**
 * Reads from the end of each partition where a topic's import stands: the last record carries the
 * highest event time up to it, one without an import mark is a live event, and the ids are those of
 * events that a client may send again because it got no answer.
 *
 * @param recordsMax read of each partition
 * @throws ServiceError `kafka_unavailable` when the ends cannot be read.
 */
export async function recoverImport(
  kafka: LogReader,
  topic: string,
  recordsMax: number,
): Promise<ImportState> {
  try {
    return importState(await lastRecords(kafka, topic, recordsMax))
  } catch (error) {
    throw new ServiceError(
      'kafka_unavailable',
      `The end of topic ${topic} cannot be read, so it is not known whether its import is open. Nothing was written; send the request again.`,
      { retryAfterSeconds: 2, cause: error },
    )
  }
}

function importState(records: Iterable<IncomingRecord>): ImportState {
  let highestMs = Number.NEGATIVE_INFINITY
  const found: { acceptedMs: number; event: Placement & { readonly id: string } }[] = []
  for (const { headers, partition, offset } of records) {
    const mark = parseImportMark(headers[importHeader]?.toString() ?? '')
    if (mark === undefined) return { closed: true, highestMs, placed: [] }
    highestMs = Math.max(highestMs, mark.highestMs)
    const id = headers[idHeader]?.toString()
    if (id === undefined) continue
    found.push({ acceptedMs: mark.acceptedMs, event: { id, partition, offset } })
  }
  // The records came partition by partition: those of the last one are not the newest.
  found.sort((one, other) => one.acceptedMs - other.acceptedMs)
  return { closed: false, highestMs, placed: found.map(({ event }) => event) }
}

async function lastRecords(
  kafka: LogReader,
  topic: string,
  recordsMax: number,
): Promise<IncomingRecord[]> {
  const { admin } = kafka
  const begins = new Map(
    (await admin.beginOffsets(topic)).map(({ partition, offset }) => [partition, offset]),
  )
  const ends = await admin.endOffsets(topic)
  const read = ends.map(async ({ partition, offset: end }) => {
    const begin = begins.get(partition) ?? 0n
    const records: IncomingRecord[] = []
    let next = end - BigInt(recordsMax) > begin ? end - BigInt(recordsMax) : begin
    while (next < end) {
      const more = await kafka.readAt(topic, partition, next, recordsMax)
      const last = more.at(-1)
      // What is left are marks of transactions, which are not delivered.
      if (last === undefined) break
      records.push(...more)
      next = last.offset + 1n
    }
    return records
  })
  return (await Promise.all(read)).flat()
}
