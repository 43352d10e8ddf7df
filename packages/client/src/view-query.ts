/** A value that rows are found by. A Date goes as ISO 8601; columns of type date take `2013-01-31`. */
export type FilterValue = string | number | bigint | boolean | Date

/** A value of a key column. */
export type KeyValue = FilterValue | null

export interface Bounds {
  readonly gt?: FilterValue
  readonly gte?: FilterValue
  readonly lt?: FilterValue
  readonly lte?: FilterValue
  /** How a text begins. */
  readonly prefix?: string
}

/** Which rows are meant; what is left out means all. Rows with null are found by none of these. */
export interface ViewFilters<Row> {
  /**
   * By column, of the key, the time column and ranked ones: a value, values of which it is any, or
   * bounds.
   */
  readonly where?: {
    readonly [Column in keyof Row & string]?: FilterValue | readonly FilterValue[] | Bounds
  }
  /** At this time or later, in the view's time column. */
  readonly from?: FilterValue
  /** Before this time. */
  readonly to?: FilterValue
}

/** How rows are written. */
export interface RowShapeOptions<Row> {
  /** Only these, in this order. Default: all. */
  readonly columns?: readonly (keyof Row & string)[]
  /**
   * string: columns of type bigint and decimal as texts. Numbers are parsed as doubles otherwise,
   * which lose digits of whole numbers beyond 2^53.
   */
  readonly numbers?: 'number' | 'string'
}

export interface AwaitOptions {
  /** A position that ingest or results has answered: the answer waits for every event before it. */
  readonly await?: string
  /**
   * read: it is enough that the events are read, in views whose rows come only when the watermark
   * has passed their events. Default `rows`.
   */
  readonly awaitFor?: 'rows' | 'read'
  /** Longest wait for `await`, 0 to 60,000. Default 10 seconds. */
  readonly timeoutMs?: number
}

export interface ViewQuery<Row> extends ViewFilters<Row>, RowShapeOptions<Row>, AwaitOptions {
  /** `key`, `time` or a ranked column; `-` in front for descending. Default: time with from or to, else key. */
  readonly order?: string
  /** Rows of a page, 1 to 1,000. */
  readonly limit?: number
  /** `nextCursor` of the page before, with the same filters and order. */
  readonly cursor?: string
}

/** What means something else than the column of that name. */
export const parameterNames: readonly string[] = [
  'order',
  'limit',
  'cursor',
  'format',
  'columns',
  'numbers',
  'await',
  'await_for',
  'timeout_ms',
]

/**
 * A query as the service reads it, with the question mark; empty when all is left out.
 *
 * @throws TypeError a filter has no value, or a column is called like a parameter
 * @throws RangeError a Date is none
 */
export function queryString<Row>(query: ViewQuery<Row> & { readonly format?: string }): string {
  const parameters = new URLSearchParams()
  for (const [column, condition] of Object.entries(query.where ?? {})) {
    for (const [name, value] of conditionParameters(column, condition)) {
      parameters.append(name, value)
    }
  }
  const { from, to, order, limit, cursor, columns, numbers, awaitFor, timeoutMs, format } = query
  const others = {
    from: from === undefined ? undefined : valueText(from),
    to: to === undefined ? undefined : valueText(to),
    order,
    limit,
    cursor,
    columns: columns?.join(','),
    numbers,
    await: query.await,
    await_for: awaitFor,
    timeout_ms: timeoutMs,
    format,
  }
  for (const [name, value] of Object.entries(others)) {
    if (value !== undefined) parameters.append(name, String(value))
  }
  return parameters.size === 0 ? '' : `?${parameters}`
}

function conditionParameters(column: string, condition: unknown): [name: string, value: string][] {
  if (isBounds(condition)) {
    if (Object.keys(condition).length === 0) throw new TypeError(`the filter of ${column} is empty`)
    return Object.entries(condition).map(([operator, value]) => {
      const name = `${column}.${operator}`
      return [name, filterText(name, value)]
    })
  }
  if (parameterNames.includes(column)) {
    throw new TypeError(`"${column}" cannot be filtered by equal values: it is a parameter`)
  }
  const values: readonly unknown[] = Array.isArray(condition) ? condition : [condition]
  // Left out, it would mean all rows, and not none.
  if (values.length === 0) throw new TypeError(`the filter of ${column} has no values`)
  return values.map((value) => [column, filterText(column, value)])
}

function isBounds(condition: unknown): condition is Bounds {
  const isObject = typeof condition === 'object' && condition !== null
  return isObject && !Array.isArray(condition) && !(condition instanceof Date)
}

function filterText(name: string, value: unknown): string {
  if (value === undefined || value === null) throw new TypeError(`the filter ${name} has no value`)
  return valueText(value as FilterValue)
}

function valueText(value: FilterValue): string {
  return value instanceof Date ? value.toISOString() : String(value)
}

/** A key as the service reads it from JSON: numbers that are not whole, or are large, as texts. */
export function keyJsonValues(key: readonly KeyValue[]): (string | number | boolean | null)[] {
  return key.map((value) => {
    if (value === null || typeof value === 'boolean' || Number.isSafeInteger(value)) {
      return value as number | boolean | null
    }
    return valueText(value)
  })
}
