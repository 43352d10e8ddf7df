import type { ViewColumn } from '@kappa/applications/view-plan'
import { ServiceError } from '@kappa/service/errors'
import { canonicalValue } from '../encoding/canonical-value.ts'
import { encodeKey } from '../encoding/key.ts'
import { sortableKey } from '../encoding/sortable.ts'
import type { LoadedView } from '../loading/loaded-view.ts'

export interface RowKey {
  /** As in the changelog, where its bytes tell the partition. */
  readonly json: string
  /** As in Redis. */
  readonly sortable: string
}

/**
 * The key of a row from a request's path: values separated by commas, or a JSON array. With one
 * key column the whole text is its value, commas included.
 * @throws ServiceError `bad_filter`
 */
export function readRowKey(view: LoadedView, text: string): RowKey {
  return keyOfTexts(view, splitKey(view, text))
}

/**
 * The key of a row from the values of its columns, as JSON has them.
 * @throws ServiceError `bad_filter`
 */
export function keyOfValues(view: LoadedView, values: readonly unknown[]): RowKey {
  return keyOfTexts(view, values.map(textOf))
}

function keyOfTexts(view: LoadedView, values: readonly (string | null)[]): RowKey {
  const columns = view.keyColumns
  if (values.length !== columns.length) {
    throw new ServiceError(
      'bad_filter',
      `The key has ${values.length} values; the key columns are ${columns.map(({ name }) => name).join(', ')}. Values that have commas go in a JSON array.`,
    )
  }
  const canonicals = columns.map((column, index) => canonical(column, values[index] ?? null))
  return { json: encodeKey(canonicals), sortable: sortableKey(columns, canonicals) }
}

function splitKey(view: LoadedView, text: string): (string | null)[] {
  if (!text.startsWith('[')) return view.keyColumns.length === 1 ? [text] : text.split(',')
  let values: unknown
  try {
    values = JSON.parse(text)
  } catch (error) {
    throw badArray(error)
  }
  if (!Array.isArray(values)) throw badArray(undefined)
  return values.map(textOf)
}

function textOf(value: unknown): string | null {
  if (value === null) return null
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return String(value)
  throw badArray(undefined)
}

function badArray(cause: unknown): ServiceError {
  return new ServiceError(
    'bad_filter',
    'A key that begins with [ must be a JSON array of texts, whole numbers up to 2^53, true, false or null; other numbers go as texts.',
    { cause },
  )
}

function canonical(column: ViewColumn, value: string | null): string | null {
  if (value === null) return null
  const result = canonicalValue(column, value)
  if ('value' in result) return result.value
  throw new ServiceError(
    'bad_filter',
    `The key column ${column.name} is of type ${column.type} and takes ${result.wanted}, not "${value.slice(0, 100)}".`,
  )
}
