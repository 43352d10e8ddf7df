import { randomUUID } from 'node:crypto'
import type { IncomingRecord, Kafka } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'
import type { ImportState } from './import-gate.ts'
import { importHeader, parseImportMark } from './record-headers.ts'

/** Records read from each partition's end: a producer's transaction ends with one that is not delivered. */
const tailRecords = 16n

/**
 * Reads from the log where a topic's import stands: the last record of each partition carries the
 * highest event time up to it, and one without an import mark is a live event.
 *
 * @throws ServiceError `kafka_unavailable` when the ends cannot be read within the time.
 */
export async function recoverImport(
  kafka: Kafka,
  topic: string,
  timeoutMs: number,
): Promise<ImportState> {
  try {
    return importState(await lastRecords(kafka, topic, timeoutMs))
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
  for (const record of records) {
    const mark = parseImportMark(record.headers[importHeader]?.toString() ?? '')
    if (mark === undefined) return { closed: true, highestMs }
    highestMs = Math.max(highestMs, mark.highestMs)
  }
  return { closed: false, highestMs }
}

async function lastRecords(
  kafka: Kafka,
  topic: string,
  timeoutMs: number,
): Promise<Iterable<IncomingRecord>> {
  const begins = await kafka.admin.beginOffsets(topic)
  const ends = await kafka.admin.endOffsets(topic)
  const startOf = new Map<number, bigint>()
  const endOf = new Map(ends.map(({ partition, offset }) => [partition, offset]))
  for (const { partition, offset: begin } of begins) {
    const end = endOf.get(partition) ?? begin
    startOf.set(partition, end - tailRecords > begin ? end - tailRecords : begin)
    if (end === begin) endOf.delete(partition)
  }
  const last = new Map<number, IncomingRecord>()
  if (endOf.size === 0) return last.values()

  const { promise: complete, resolve } = Promise.withResolvers<void>()
  const consumer = await kafka.consumer({
    groupId: `kappa-ingest-import-${randomUUID()}`,
    topics: [topic],
    from: 'end',
    commit: false,
    startAt: async (_topic, partition) => startOf.get(partition),
    onBatch: async ({ partition, records }) => {
      for (const record of records) last.set(partition, record)
      const done = [...endOf].every(([each, end]) => (last.get(each)?.offset ?? -1n) >= end - 1n)
      if (done) resolve()
      return undefined
    },
  })
  const timer = setTimeout(resolve, timeoutMs)
  try {
    await Promise.race([complete, consumer.finished])
  } finally {
    clearTimeout(timer)
    await consumer.close()
  }
  const missing = [...endOf.keys()].filter((partition) => !last.has(partition))
  if (missing.length === 0) return last.values()
  throw new Error(`no record of partitions ${missing.join(', ')} arrived within ${timeoutMs} ms`)
}
