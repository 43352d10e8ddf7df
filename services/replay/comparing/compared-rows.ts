import type { DifferenceSample } from '@kappa/applications/replay-record'
import { quoteName, quoteText } from '@kappa/applications/spark-sql'
import type { CollectOptions } from '@kappa/spark-connect/data-frame'
import { textArray } from './compare-rows-sql.ts'
import type { ComparingParts } from './comparing-parts.ts'
import { samplesOf } from './sample-rows.ts'
import type { RowCounts } from './verdict.ts'

export const noRows: RowCounts = {
  equal: 0,
  changed: 0,
  only_old: 0,
  only_new: 0,
  unsettled: 0,
  expected: 0,
  unexplained: 0,
}

/**
 * Counts what `compareRowsSql` gives.
 * @param compared its name in the session
 * @param columns those in which rows can differ
 * @param declared of those, where they may
 * @returns sameButDeclared: changed rows that are the same in every column that was not declared
 */
export async function countRows(
  parts: ComparingParts,
  compared: string,
  columns: readonly string[],
  declared: readonly string[],
): Promise<{
  counts: RowCounts
  changedByColumn: Record<string, number>
  sameButDeclared: number
}> {
  const kinds = ['equal', 'changed', 'only_old', 'only_new', 'unsettled'] as const
  const result = await parts.session
    .table(compared)
    .select(
      ...kinds.map((kind) => `count_if(kind = '${kind}') AS ${kind}`),
      'count_if(expected) AS expected',
      `count_if(kind IN ('changed', 'only_old', 'only_new') AND NOT expected) AS unexplained`,
      isSameButDeclared(columns, declared),
      ...columns.map(
        (name, index) =>
          `count_if(array_contains(difference.columns, ${quoteText(name)})) AS column_${index}`,
      ),
    )
    .collect(collectOptions(parts, 1))
  const count = (name: string) => Number(result[0]?.[name] ?? 0)
  const names = Object.keys(noRows) as (keyof RowCounts)[]
  const byColumn = columns.map((name, index) => [name, count(`column_${index}`)] as const)
  return {
    counts: Object.fromEntries(names.map((name) => [name, count(name)])) as RowCounts,
    changedByColumn: Object.fromEntries(byColumn.filter(([, changed]) => changed > 0)),
    sameButDeclared: count('same_but_declared'),
  }
}

function isSameButDeclared(columns: readonly string[], declared: readonly string[]): string {
  const isShown = columns.some((name) => !declared.includes(name))
  const others = `array_except(difference.columns, ${textArray(declared)})`
  const isSame = isShown ? `kind = 'changed' AND size(${others}) = 0` : 'false'
  return `count_if(${isSame}) AS same_but_declared`
}

/** Unexplained ones before expected ones, of every kind in turns, the smallest keys of each first. */
export async function sampleRows(
  parts: ComparingParts,
  compared: string,
  { changed, only_old, only_new, unsettled }: RowCounts,
): Promise<DifferenceSample[]> {
  const { samplesMax, sampleBytesMax } = parts.bounds
  if (changed + only_old + only_new + unsettled === 0) return []
  const rows = await parts.session
    .sql(`
      SELECT kind, difference.key, difference.old, difference.new, difference.columns, expected
      FROM (
        SELECT *, row_number() OVER (PARTITION BY expected, kind ORDER BY difference.id) AS turn
        FROM ${quoteName(compared)}
        WHERE kind <> 'equal'
      )
      WHERE turn <= ${samplesMax}
      ORDER BY expected, turn, kind
      LIMIT ${samplesMax}`)
    .collect(collectOptions(parts, samplesMax))
  return samplesOf(rows, sampleBytesMax)
}

function collectOptions({ bounds, signal }: ComparingParts, rowsMax: number): CollectOptions {
  const { timeoutMs } = bounds
  return { rowsMax, timeoutMs, ...(signal === undefined ? {} : { signal }) }
}
