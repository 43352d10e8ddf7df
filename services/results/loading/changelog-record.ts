import type { IncomingRecord } from '@kappa/kafka/port'
import type { Change } from '@kappa/view-store/view-store'
import { canonicalValue } from '../encoding/canonical-value.ts'
import { memberTexts } from '../encoding/row-members.ts'
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
  const row = record.value.toString()
  return { key, batch, indexed: indexedOf(record, row, view, values), row }
}

/** The texts of the key columns. @throws ChangelogRecordError */
export function keyValuesOf(record: IncomingRecord, view: LoadedView): (string | null)[] {
  const values = record.key?.[0] === 0x5b ? parse(record, String(record.key)) : undefined
  if (Array.isArray(values) && values.length === view.keyColumns.length) return values
  throw unusable(record, `its key is not a JSON array of the ${view.keyColumns.length} key columns`)
}

function indexedOf(
  record: IncomingRecord,
  row: string,
  view: LoadedView,
  key: readonly (string | null)[],
): string[] {
  const { indexedColumns, indexedInKey, indexedInRow } = view
  if (indexedColumns.length === 0) return []
  const texts = indexedInRow.length === 0 ? [] : membersOf(record, row, indexedInRow)
  return indexedColumns.map((column, place) => {
    const inKey = indexedInKey[place]
    if (inKey !== undefined) return sortable(column.type, key[inKey] ?? null)
    const json = texts[indexedInRow.indexOf(column.name)] ?? 'null'
    if (json === 'null') return sortable(column.type, null)
    const text = json.startsWith('"') ? String(parse(record, json)) : json
    const canonical = canonicalValue(column, text)
    if ('value' in canonical) return sortable(column.type, canonical.value)
    const nearest = nearestTime(column.type, text)
    if (nearest !== undefined) return sortable(column.type, nearest)
    throw unusable(record, `its column ${column.name} of type ${column.type} is ${json}`)
  })
}

function membersOf(record: IncomingRecord, row: string, names: readonly string[]) {
  return orUnusable(record, () => memberTexts(row, names))
}

function parse(record: IncomingRecord, json: string): unknown {
  return orUnusable(record, () => JSON.parse(json))
}

function orUnusable<T>(record: IncomingRecord, read: () => T): T {
  try {
    return read()
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
