import type { OffsetsByPartition } from '@kappa/applications/offsets'
import type { ReleaseView } from '@kappa/applications/records'
import { partitionForKey } from '@kappa/kafka/murmur2'
import type { IncomingRecord, Kafka, OutgoingRecord, Producer } from '@kappa/kafka/port'
import type { CarriedView } from './carry-plan.ts'

const BATCH_HEADER = 'kappa-batch'
/** Header of a carried record: the number of the release that computed it. */
export const CARRIED_FROM_HEADER = 'kappa-carried-from'
/** About what one fetch (4 MiB) brings; what is cut off of a fetch comes with the next one again. */
const RECORDS_PER_READ_MAX = 50_000
const timeForm = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/

export interface CarryJob {
  /** The view of the live release. */
  readonly live: {
    readonly release: number
    readonly view: Pick<ReleaseView, 'key' | 'changelog'>
    /** Where to stop reading its changelog: `changelog` of the position that the plan looked at, or a later one. */
    readonly ends: OffsetsByPartition
  }
  /** Of the release to be built. */
  readonly changelog: ReleaseView['changelog']
  readonly plan: Pick<CarriedView, 'timeColumn' | 'lastCarriedMs'>
}

/**
 * Records that were copied. A row that the live release has updated is counted once for each update
 * that compaction has left, so `values` is at least the number of rows that were carried.
 */
export interface CarriedRecords {
  readonly values: number
  readonly deletes: number
}

/**
 * Copies the changelog records of windows that end at or before the plan's timestamp from the live
 * release's changelog to the new one's, in the order in which they were written: whoever folds them
 * finds the rows that the live release has. Nothing is kept in memory but what is on its way: one
 * fetch (4 MiB) being written while the next is read.
 *
 * To be run to its end before the view's query starts. Run again after it was interrupted it copies
 * all again, which changes no row: the last record of each key is the same, and an older batch never
 * replaces a newer one. (Kafka keeps a delete for `delete.retention.ms`, by default a day: resume
 * later than that into a topic made anew.)
 *
 * @throws Error for a record that no release of ours writes; KafkaError when Kafka fails for longer
 *   than the producer tries, then run it again.
 */
export async function carryRows(
  kafka: Pick<Kafka, 'admin' | 'readAt'>,
  producer: Pick<Producer, 'send'>,
  job: CarryJob,
  signal: AbortSignal,
): Promise<CarriedRecords> {
  const count = { values: 0, deletes: 0 }
  let writing: Promise<unknown> = Promise.resolve()
  for await (const records of readBatches(kafka, job, signal)) {
    const carried = carriedRecords(records, job)
    await writing
    writing = producer.send(job.changelog.topic, carried)
    // Awaited one turn later; until then its failure is nobody's fault.
    writing.catch(() => undefined)
    for (const { value } of carried) count[value === null ? 'deletes' : 'values'] += 1
  }
  await writing
  return count
}

/** Everything below the ends, one partition after the other. */
async function* readBatches(
  kafka: Pick<Kafka, 'admin' | 'readAt'>,
  { live }: CarryJob,
  signal: AbortSignal,
): AsyncGenerator<IncomingRecord[], void> {
  const { topic } = live.view.changelog
  for (const { partition, offset } of await kafka.admin.beginOffsets(topic)) {
    const end = BigInt(live.ends[partition] ?? 0)
    let position = offset
    while (position < end) {
      signal.throwIfAborted()
      const records = await kafka.readAt(topic, partition, position, RECORDS_PER_READ_MAX)
      const last = records.at(-1)
      if (last === undefined) break
      position = last.offset + 1n
      yield last.offset < end ? records : records.filter((record) => record.offset < end)
    }
  }
}

function carriedRecords(records: readonly IncomingRecord[], job: CarryJob): OutgoingRecord[] {
  const { changelog, live, plan } = job
  const timeIndex = live.view.key.indexOf(plan.timeColumn)
  const lastCarried = `${new Date(plan.lastCarriedMs).toISOString().slice(0, -1)}000Z`
  const release = String(live.release)
  const carried: OutgoingRecord[] = []
  for (const record of records) {
    const { key, value, headers } = record
    if (key === null) throw unusable(record, 'it has no key')
    // The one form of times in keys has a fixed width: the order of the texts is that of the times.
    if (timeOf(key, timeIndex, record) > lastCarried) continue
    const batch = headers[BATCH_HEADER]
    if (batch === undefined) throw unusable(record, `it has no header ${BATCH_HEADER}`)
    carried.push({
      key,
      value,
      headers: {
        [BATCH_HEADER]: batch,
        [CARRIED_FROM_HEADER]: headers[CARRIED_FROM_HEADER] ?? release,
      },
      partition: partitionForKey(key, changelog.partitions),
    })
  }
  return carried
}

function timeOf(key: Buffer, index: number, record: IncomingRecord): string {
  let values: unknown
  try {
    values = JSON.parse(key.toString('utf8'))
  } catch (error) {
    throw unusable(
      record,
      `its key is not JSON (${error instanceof Error ? error.message : error})`,
    )
  }
  const time: unknown = Array.isArray(values) ? values[index] : undefined
  if (typeof time === 'string' && timeForm.test(time)) return time
  throw unusable(record, `its key has ${JSON.stringify(time)} where the window's time must be`)
}

function unusable({ topic, partition, offset }: IncomingRecord, reason: string): Error {
  return new Error(
    `Record ${offset} of ${topic} partition ${partition} cannot be carried: ${reason}`,
  )
}
