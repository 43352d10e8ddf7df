import type { ExpectedViewDifferences } from '@kappa/applications/replay-record'
import { quoteName, quoteText, timestampPattern } from '@kappa/applications/spark-sql'
import type { ColumnType } from '@kappa/spark-connect/schema'
import { sameRetypedValue, sameValue, toleranceByDefault } from './column-difference.ts'
import type { ComparedSides } from './compared-side.ts'
import { unsettledSql } from './unsettled-sql.ts'

export interface RowsToCompare {
  readonly sides: ComparedSides
  readonly types: { readonly old: Types; readonly new: Types }
  /** Checked by `checkExpectedDifferences`. */
  readonly expected: ExpectedViewDifferences
  /** SQL that gives `key`, `old_json` and `new_json`, see `foldSql`. */
  readonly folded: string
}

/** What is ours on the way, so that a declared condition can mean nothing but key columns. */
const own = quoteName('kappa row')

type Types = ReadonlyMap<string, ColumnType>

/** Columns outside of the key that both sides have, by the old side's order. */
export function sharedColumns({ sides, types }: Pick<RowsToCompare, 'sides' | 'types'>): string[] {
  return [...types.old.keys()].filter(
    (name) => types.new.has(name) && !sides.old.view.key.includes(name),
  )
}

/**
 * SQL that gives every key's `kind` (equal, changed, only_old, only_new, unsettled), whether it was
 * `expected`, and, unless it is equal, its `difference`: `key`, `old`, `new` (JSON), `columns` that
 * differ, and `id`, the key's columns with their types, for their order.
 *
 * Rows whose JSON has the same bytes are never parsed.
 */
export function compareRowsSql(rows: RowsToCompare): string {
  const { sides, types, expected, folded } = rows
  const key = sides.old.view.key.map(quoteName)
  const keyValues = key.map((name) => `coalesce(old_row.${name}, new_row.${name}) AS ${name}`)
  const covered = expected.where === undefined ? 'false' : `coalesce((${expected.where}), false)`
  const undeclared = `array_except(${own}.columns, ${textArray(expected.columns ?? [])})`
  return `
WITH folded AS (${folded}),
parsed AS (
  SELECT
    *,
    ${parse('nullif(old_json, new_json)', types.old)} AS old_row,
    ${parse('nullif(new_json, old_json)', types.new)} AS new_row
  FROM folded
),
compared AS (
  SELECT
    struct(
      key,
      old_json,
      new_json,
      ${differingColumns(rows)} AS columns,
      ${unsettledSql(sides)} AS unsettled
    ) AS ${own},
    ${keyValues.join(',\n    ')}
  FROM parsed
),
covered AS (
  SELECT ${own}, struct(${key.join(', ')}) AS id, ${covered} AS covered FROM compared
),
judged AS (
  SELECT
    ${own},
    id,
    covered OR (size(${own}.columns) > 0 AND size(${undeclared}) = 0) AS expected,
    CASE
      WHEN ${own}.unsettled AND NOT covered THEN 'unsettled'
      WHEN ${own}.old_json IS NULL THEN 'only_new'
      WHEN ${own}.new_json IS NULL THEN 'only_old'
      WHEN size(${own}.columns) > 0 THEN 'changed'
      ELSE 'equal'
    END AS kind
  FROM covered
)
SELECT
  kind,
  kind <> 'equal' AND expected AS expected,
  CASE WHEN kind <> 'equal' THEN struct(
    ${own}.key AS key,
    ${own}.old_json AS old,
    ${own}.new_json AS new,
    ${own}.columns AS columns,
    id
  ) END AS difference
FROM judged`
}

/** A row's JSON with its types, as `planChangelogRecord` wrote it. */
function parse(json: string, types: Types): string {
  const schema = [...types].map(([name, { ddl }]) => `${quoteName(name)} ${ddl}`).join(', ')
  const options = `map('mode', 'FAILFAST', 'timeZone', 'UTC', 'timestampFormat', ${quoteText(timestampPattern)})`
  return `from_json(${json}, ${quoteText(schema)}, ${options})`
}

/** Names of the columns that differ; none unless both sides have the row, and with other bytes. */
function differingColumns(rows: RowsToCompare): string {
  const shared = sharedColumns(rows)
  const none = textArray([])
  if (shared.length === 0) return none
  const differing = shared.map(
    (name) => `CASE WHEN NOT (${sameColumn(rows, name)}) THEN ${quoteText(name)} END`,
  )
  const columns = `array_compact(array(${differing.join(',\n        ')}))`
  return `CASE WHEN old_row IS NULL OR new_row IS NULL THEN ${none} ELSE ${columns} END`
}

function sameColumn({ types, expected }: RowsToCompare, name: string): string {
  const [before, after] = [types.old.get(name), types.new.get(name)]
  if (!before || !after) throw new Error(`Only one side has the column ${name}.`)
  const [a, b] = [`old_row.${quoteName(name)}`, `new_row.${quoteName(name)}`]
  const tolerance = expected.tolerance?.[name] ?? toleranceByDefault
  return before.ddl === after.ddl
    ? sameValue(before, a, b, tolerance)
    : sameRetypedValue({ old: before, new: after }, a, b, tolerance)
}

export function textArray(texts: readonly string[]): string {
  return `CAST(array(${texts.map(quoteText).join(', ')}) AS ARRAY<STRING>)`
}
