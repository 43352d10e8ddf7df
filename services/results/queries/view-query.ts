import { ServiceError } from '@kappa/service/errors'
import type { Range } from '@kappa/view-store/view-store'
import type { LoadedView } from '../loading/loaded-view.ts'
import { decodeCursor, queryDigest } from './cursor.ts'
import { hint } from './did-you-mean.ts'
import { indexRanges, rangesAfter } from './index-ranges.ts'
import { type PlacedConditions, placeConditions } from './placed-conditions.ts'
import { type Filters, readConditions } from './read-conditions.ts'
import { withRetention } from './retention.ts'
import { requireTimeColumn } from './time-column.ts'

export interface PageOptions {
  /** Column, `key` or `time`; with `-` in front descending. */
  readonly order?: string
  readonly limit?: number
  readonly cursor?: string
  /** Canonical timestamp: rows with a time before it, or none, are left out. */
  readonly rowsFrom?: string | undefined
}

/** A query over the rows of a view, in the terms of its indexes. */
export interface ViewQuery extends PlacedConditions {
  /** Which index it reads: 0 of the keys, else one more than that of the indexed column. */
  readonly index: number
  /** What of it is read, ascending. */
  readonly ranges: readonly Range[]
  readonly descending: boolean
  readonly limit: number
  /** By position in the key: what the ranges leave open. */
  readonly ofKey: PlacedConditions['ofKey']
  /** By indexed column: also what the ranges have served, as a row may have moved before it is read. */
  readonly ofIndexed: PlacedConditions['ofIndexed']
  /** Whether the ranges hold the entries that are wanted, and no other. */
  readonly isServed: boolean
  /** Whether filters may leave out many of the entries in the ranges. */
  readonly isSelective: boolean
  readonly digest: string
}

export const limitByDefault = 100
export const limitMax = 1_000

/**
 * Turns the parameters of a request into a query.
 * @throws ServiceError `unknown_column`, `bad_filter`, `bad_cursor`, `release_changed`
 */
export function readViewQuery(
  view: LoadedView,
  filters: Filters,
  { order, limit = limitByDefault, cursor, rowsFrom }: PageOptions,
): ViewQuery {
  const asked = readConditions(view, filters)
  const conditions = withRetention(view, asked, rowsFrom)
  const usual = filters.from === undefined && filters.to === undefined ? 'key' : 'time'
  const { index, descending } = readOrder(view, order ?? usual)
  const keyNames = view.definition.key
  const first = view.indexedColumns[index - 1]?.name
  const names = first === undefined ? keyNames : [first, ...keyNames]
  const { ranges, served } = indexRanges(names.map((name) => conditions.get(name)))
  const isServed = new Set(names.slice(first === undefined ? 0 : 1, served))
  const digest = queryDigest([view.application, view.name, index, descending, [...asked]])
  const placed = placeConditions(view, conditions)
  const after = cursor && decodeCursor(cursor, view.release, digest)
  return {
    index,
    ranges: after ? rangesAfter(ranges, after, descending) : ranges,
    descending,
    limit,
    ofKey: placed.ofKey.filter(([at]) => !isServed.has(keyNames[at] ?? '')),
    ofIndexed: placed.ofIndexed,
    isServed: [...conditions.keys()].every((name) => names.slice(0, served).includes(name)),
    isSelective: [...asked.keys()].some((name) => !names.slice(0, served).includes(name)),
    digest,
  }
}

function readOrder(view: LoadedView, order: string): { index: number; descending: boolean } {
  const descending = order.startsWith('-')
  const name = descending ? order.slice(1) : order
  if (name === 'key') return { index: 0, descending }
  const column = name === 'time' ? requireTimeColumn(view, `order=${order}`).name : name
  const position = view.indexedColumns.findIndex((indexed) => indexed.name === column)
  if (position >= 0) return { index: position + 1, descending }
  throw cannotOrder(view, name)
}

function cannotOrder(view: LoadedView, name: string): ServiceError {
  const names = view.definition.columns.map((column) => column.name)
  const what = names.includes(name)
    ? `The column "${name}" of ${view.application}/${view.name} is not ranked; add it to \`ranked\` of the view in application.yaml to order by it.`
    : `${view.application}/${view.name} has no column "${name}". ${hint(name, names)}`
  const can = ['key', ...view.indexedColumns.map((column) => column.name)].join(', ')
  return new ServiceError('unknown_column', `${what} Rows can be ordered by: ${can}.`)
}
