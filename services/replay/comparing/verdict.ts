import type { ColumnChange, ViewComparison } from '@kappa/applications/replay-record'

export type RowCounts = Pick<
  ViewComparison,
  'equal' | 'changed' | 'only_old' | 'only_new' | 'unsettled' | 'expected' | 'unexplained'
>

/**
 * What counts and schema changes of a view amount to. Certain differences come first; then what
 * keeps the rows from being judged: a comparison that has found nothing equal, although there are
 * rows, has shown nothing.
 *
 * @param sameButDeclared changed rows that are the same in every column that was not declared
 */
export function verdictOf(
  counts: RowCounts,
  undeclared: readonly ColumnChange[],
  unsettledRowsMax: number,
  sameButDeclared = 0,
): Pick<ViewComparison, 'verdict' | 'reason'> {
  const { equal, changed, only_old, only_new, unsettled, unexplained } = counts
  if (unexplained > 0) return { verdict: 'different' }
  if (undeclared.length > 0) {
    const columns = undeclared.map(({ column }) => column).join(', ')
    return {
      verdict: 'different',
      reason: `Columns were added, removed or have another type, and expected.columns does not name them: ${columns}.`,
    }
  }
  if (unsettled > unsettledRowsMax) {
    return {
      verdict: 'not_comparable',
      reason: `${unsettled} rows are on one side only and may still come on the other, whose watermark has not passed them; unsettled_rows_max is ${unsettledRowsMax}. Compare again when newer events have moved the watermarks on, or allow more.`,
    }
  }
  const rows = equal + changed + only_old + only_new + unsettled
  if (equal + sameButDeclared === 0 && rows > 0) {
    return {
      verdict: 'not_comparable',
      reason: `None of ${rows} rows is the same on both sides, so nothing shows that the release is right. Look at the samples and promote with promote: manual, or declare less as expected.`,
    }
  }
  return { verdict: 'equal' }
}
