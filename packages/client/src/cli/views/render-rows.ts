import type { ViewColumn } from '../../view-answers.ts'
import { count, countOf, showAge, showTime } from '../figures.ts'
import { plainLine, showValue } from '../plain-text.ts'
import { formatTable } from '../table.ts'

type Row = Readonly<Record<string, unknown>>

/** Rows as aligned columns, figures at the right. @param charactersMax longer texts are cut */
export function rowsTable(
  rows: readonly Row[],
  columns: readonly Pick<ViewColumn, 'name' | 'type'>[],
  charactersMax: number,
): string {
  const header = columns.map(({ name }) => plainLine(name))
  const cells = rows.map((row) => columns.map(({ name }) => cellText(row[name], charactersMax)))
  const right = [...columns.keys()].filter((at) => isNumeric(columns[at]?.type ?? ''))
  return formatTable([header, ...cells], { right })
}

/** The columns of an answer in their order, with their types where those are known. */
export function columnsOf(
  names: readonly string[] | undefined,
  known: readonly ViewColumn[],
  rows: readonly Row[],
): Pick<ViewColumn, 'name' | 'type'>[] {
  const [first = {}] = rows
  const shown = names ?? (known.length > 0 ? known.map(({ name }) => name) : Object.keys(first))
  return shown.map((name) => known.find((each) => each.name === name) ?? { name, type: '' })
}

/** What rows are, in one line. */
export interface RowsOrigin {
  readonly release: number
  readonly as_of: string | null
  readonly freshness_ms: number
  readonly complete: boolean
}

/** `20 rows of release 1, as of 2013-01-01 05:00:00, 1.2 s old`. @param rows undefined: not counted */
export function originText(
  { release, as_of, freshness_ms, complete }: RowsOrigin,
  rows?: number,
): string {
  const parts = [
    `${rows === undefined ? 'rows' : countOf(rows, 'row')} of release ${count(release)}`,
    ...(as_of === null ? [] : [`as of ${showTime(as_of)}`]),
    `${showAge(freshness_ms)} old`,
  ]
  const incomplete = '; the release dropped events that it should have counted: replay it'
  return `${parts.join(', ')}${complete ? '' : incomplete}`
}

function cellText(value: unknown, charactersMax: number): string {
  if (value === null || value === undefined) return ''
  return showValue(typeof value === 'string' ? shortTime(value) : value, charactersMax)
}

/** Times of views have six fraction digits, which mostly are zeros. */
function shortTime(text: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.0{6}Z$/.test(text) ? `${text.slice(0, 19)}Z` : text
}

function isNumeric(type: string): boolean {
  return /^(tinyint|smallint|int|bigint|float|double|decimal\b.*)$/i.test(type)
}
