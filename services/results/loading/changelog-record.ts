import type { IncomingRecord } from '@kappa/kafka/port'
import type { Change } from '@kappa/view-store/view-store'
import type { LoadedView } from './loaded-view.ts'

/** A changelog record that no release of ours writes. */
export class ChangelogRecordError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ChangelogRecordError'
  }
}

/**
 * A changelog record as a change of a row.
 * @throws ChangelogRecordError: going on without the record would answer wrong rows.
 */
export function changeOf(record: IncomingRecord, view: LoadedView): Change {
  const batch = record.headers['kappa-batch']?.toString('latin1') ?? ''
  if (!/^\d{1,15}$/.test(batch)) {
    throw unusable(record, `its header kappa-batch is "${batch}", not a time in epoch ms`)
  }
  if (record.key === null || record.key[0] !== 0x5b) {
    throw unusable(record, 'its key is not a JSON array of the key columns')
  }
  if (record.value === null) return { key: record.key, batch, time: '', row: null }
  if (record.value[0] !== 0x7b) throw unusable(record, 'its value is not a JSON object')
  return { key: record.key, batch, time: timeOf(record, view), row: record.value }
}

function timeOf(record: IncomingRecord, view: LoadedView): string {
  const column = view.timeColumn?.name
  if (column === undefined) return ''
  const inKey = view.definition.key.indexOf(column)
  const time: unknown =
    inKey >= 0
      ? parse(record, String(record.key))[inKey]
      : parse(record, String(record.value))[column]
  if (time === null || time === undefined) return ''
  if (typeof time === 'string' && /^\d{4}-\d{2}-\d{2}/.test(time)) return time
  throw unusable(record, `its time column ${column} is ${JSON.stringify(time)}`)
}

function parse(record: IncomingRecord, json: string): Record<string | number, unknown> {
  try {
    return JSON.parse(json) as Record<string | number, unknown>
  } catch (error) {
    throw unusable(record, `it is not JSON (${error instanceof Error ? error.message : error})`)
  }
}

function unusable(record: IncomingRecord, reason: string): ChangelogRecordError {
  const { topic, partition, offset } = record
  return new ChangelogRecordError(
    `Record ${offset} of ${topic} partition ${partition} cannot be applied: ${reason}`,
  )
}
