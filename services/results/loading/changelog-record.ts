import type { IncomingRecord } from '@kappa/kafka/port'
import type { Change } from '@kappa/view-store/view-store'
import { canonicalValue } from '../encoding/canonical-value.ts'
import { parseExactJson } from '../encoding/exact-json.ts'
import { sortable, sortableKey } from '../encoding/sortable.ts'
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
  const values = keyValuesOf(record, view)
  const key = sortableKey(view.keyColumns, values)
  if (record.value === null) return { key, batch, indexed: view.nothingIndexed, row: null }
  if (record.value[0] !== 0x7b) throw unusable(record, 'its value is not a JSON object')
  return { key, batch, indexed: indexedOf(record, view, values), row: record.value }
}

/** The texts of the key columns. @throws ChangelogRecordError */
export function keyValuesOf(record: IncomingRecord, view: LoadedView): (string | null)[] {
  const values = record.key?.[0] === 0x5b ? parse(record, String(record.key)) : undefined
  if (Array.isArray(values) && values.length === view.keyColumns.length) return values
  throw unusable(record, `its key is not a JSON array of the ${view.keyColumns.length} key columns`)
}

function indexedOf(
  record: IncomingRecord,
  view: LoadedView,
  key: readonly (string | null)[],
): string[] {
  let row: unknown
  return view.indexedColumns.map((column) => {
    const inKey = view.definition.key.indexOf(column.name)
    if (inKey >= 0) return sortable(column.type, key[inKey] ?? null)
    row ??= parse(record, String(record.value), parseExactJson)
    const value = (row as Record<string, unknown>)[column.name] ?? null
    if (value === null) return sortable(column.type, null)
    const text = String(value)
    const canonical = canonicalValue(column, text)
    if ('value' in canonical) return sortable(column.type, canonical.value)
    const nearest = nearestTime(column.type, text)
    if (nearest !== undefined) return sortable(column.type, nearest)
    throw unusable(
      record,
      `its column ${column.name} of type ${column.type} is ${JSON.stringify(value)}`,
    )
  })
}

function parse(
  record: IncomingRecord,
  json: string,
  read = JSON.parse as (text: string) => unknown,
): unknown {
  try {
    return read(json)
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

/** Years beyond those of canonical times: such a row is the first or the last, and keeps its own time. */
function nearestTime(type: string, text: string): string | undefined {
  const name = type.toLowerCase()
  if (name !== 'date' && name !== 'timestamp') return undefined
  if (!/^([+-]\d{4,}|0000)-\d\d-\d\d/.test(text)) return undefined
  const day = text.startsWith('+') ? '9999-12-31' : '0001-01-01'
  if (name === 'date') return day
  return `${day}T${text.startsWith('+') ? '23:59:59.999999' : '00:00:00.000000'}Z`
}
