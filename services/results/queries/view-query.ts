import type { ViewColumn } from '@kappa/applications/view-plan'
import { ServiceError } from '@kappa/service/errors'
import type { Range } from '@kappa/view-store/view-store'
import { decodeCursor, queryDigest } from './cursor.ts'
import { hint } from './did-you-mean.ts'
import { canonicalValue, encodeKeyPrefix } from './key.ts'
import type { LoadedView } from './loaded-view.ts'

export interface PageOptions {
  readonly from?: string
  readonly to?: string
  readonly order?: 'key' | '-key' | 'time' | '-time'
  readonly limit?: number
  readonly cursor?: string
}

/** A query over the rows of a view, in the terms of its indexes. */
export interface ViewQuery {
  readonly range: Range
  readonly limit: number
  /** Wanted value by position in the key, for the columns that the range does not serve. */
  readonly keyFilters: readonly { readonly index: number; readonly value: string }[]
  /** Canonical bounds of the row's time, `from` inclusive, `to` exclusive: what the time index
   * gave is checked again, as a row may have moved before it is read. */
  readonly time: { readonly from?: string; readonly to?: string } | undefined
  readonly digest: string
}

export const defaultLimit = 100
const afterEverything = '\u{10ffff}'

/**
 * Turns the parameters of a request into a query.
 * @throws ServiceError `unknown_column`, `bad_filter`, `bad_cursor`, `release_changed`
 */
export function readViewQuery(
  view: LoadedView,
  filters: Readonly<Record<string, unknown>>,
  options: PageOptions,
): ViewQuery {
  const wanted = readFilters(view, filters)
  const time = readTimeBounds(view, options)
  const order = options.order ?? (time ? 'time' : 'key')
  if (order.endsWith('time')) requireTimeColumn(view, `order=${order}`)
  const index = order.endsWith('time') ? 'time' : 'keys'
  const digest = queryDigest([view.application, view.name, order, [...wanted], time ?? null])
  const after = options.cursor && decodeCursor(options.cursor, view.release, digest)
  const prefix = index === 'keys' ? keyPrefix(view, wanted) : { length: 0, text: '' }
  const bounds = index === 'keys' ? prefixBounds(prefix.text) : timeBounds(time)
  const descending = order.startsWith('-')
  return {
    range: { index, descending, ...beginAfter(bounds, descending, after) },
    limit: options.limit ?? defaultLimit,
    keyFilters: [...wanted]
      .filter(([position]) => position >= prefix.length)
      .map(([position, value]) => ({ index: position, value })),
    time,
    digest,
  }
}

function readFilters(
  view: LoadedView,
  filters: Readonly<Record<string, unknown>>,
): Map<number, string> {
  const wanted = new Map<number, string>()
  for (const [name, text] of Object.entries(filters)) {
    const position = view.definition.key.indexOf(name)
    const column = view.keyColumns[position]
    if (!column) throw unknownColumn(view, name)
    if (typeof text !== 'string') {
      throw new ServiceError('bad_filter', `The filter on "${name}" is given more than once.`)
    }
    wanted.set(position, canonical(column, name, text))
  }
  return new Map([...wanted].sort(([a], [b]) => a - b))
}

function readTimeBounds(view: LoadedView, { from, to }: PageOptions): ViewQuery['time'] {
  if (from === undefined && to === undefined) return undefined
  const column = requireTimeColumn(view, from === undefined ? 'to' : 'from')
  return {
    ...(from === undefined ? {} : { from: canonical(column, 'from', from) }),
    ...(to === undefined ? {} : { to: canonical(column, 'to', to) }),
  }
}

function canonical(column: ViewColumn, parameter: string, text: string): string {
  const result = canonicalValue(column, text)
  if ('value' in result) return result.value
  throw new ServiceError(
    'bad_filter',
    `"${parameter}" is "${text.slice(0, 100)}"; the column ${column.name} is of type ${column.type} and takes ${result.wanted}.`,
  )
}

function requireTimeColumn(view: LoadedView, parameter: string): ViewColumn {
  if (view.timeColumn) return view.timeColumn
  throw new ServiceError(
    'bad_filter',
    `"${parameter}" needs a time column, and ${view.application}/${view.name} declares none; add \`time: <column>\` to the view in application.yaml.`,
  )
}

function unknownColumn(view: LoadedView, name: string): ServiceError {
  const { key, columns } = view.definition
  const names = columns.map((column) => column.name)
  const can = `The view can be filtered by its key columns (${key.join(', ')})${view.timeColumn ? `, and from and to by ${view.timeColumn.name}` : ''}.`
  const what = names.includes(name)
    ? `The column "${name}" is not in the key of ${view.application}/${view.name}.`
    : `${view.application}/${view.name} has no column "${name}". ${hint(name, key)}`
  return new ServiceError('unknown_column', `${what} ${can}`)
}

/** What all keys begin with that have the wanted values in their first columns. */
function keyPrefix(
  view: LoadedView,
  wanted: ReadonlyMap<number, string>,
): { length: number; text: string } {
  const values: string[] = []
  for (let value = wanted.get(0); value !== undefined; value = wanted.get(values.length)) {
    values.push(value)
  }
  if (values.length === 0) return { length: 0, text: '' }
  const end = values.length === view.definition.key.length ? ']' : ','
  return { length: values.length, text: `${encodeKeyPrefix(values)}${end}` }
}

interface Bounds {
  readonly start: string
  readonly stop: string
}

function prefixBounds(prefix: string): Bounds {
  if (prefix === '') return { start: '-', stop: '+' }
  return { start: `[${prefix}`, stop: `[${prefix}${afterEverything}` }
}

/** Entries of rows without a time begin with their key's `[`, after every digit. */
function timeBounds(time: ViewQuery['time']): Bounds {
  if (!time) return { start: '-', stop: '+' }
  return {
    start: time.from === undefined ? '-' : `[${time.from}`,
    stop: time.to === undefined ? '(:' : `(${time.to}`,
  }
}

function beginAfter(bounds: Bounds, descending: boolean, after: string | undefined): Bounds {
  if (!after) return bounds
  return descending ? { ...bounds, stop: `(${after}` } : { ...bounds, start: `(${after}` }
}
