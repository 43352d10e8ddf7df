import type { ReleaseRecord } from '@kappa/applications/records'
import type { ExpectedDifferences } from '@kappa/applications/replay-record'

/** What a comparison of the release need not explain: as it was said last. */
export function declaredFor({ replay }: Pick<ReleaseRecord, 'replay'>): {
  readonly expected: ExpectedDifferences
  readonly unsettledRowsMax: number
} {
  const { expected, unsettled_rows_max } = { ...replay, ...replay?.recomparison }
  return { expected: expected ?? {}, unsettledRowsMax: unsettled_rows_max ?? 0 }
}
