export type DifferenceKind = 'changed' | 'only_old' | 'only_new' | 'unsettled'

/** One row that differs: `old` is the live release's, `new` that of the release beside it. */
export interface DifferenceSample {
  readonly kind: DifferenceKind
  /** JSON array of the key columns, as in the changelog. */
  readonly key: string
  readonly old: Readonly<Record<string, unknown>> | null
  readonly new: Readonly<Record<string, unknown>> | null
  /** Columns that differ. */
  readonly columns: readonly string[]
  /** Declared in the request. */
  readonly expected: boolean
}

/** `old_type` null: the column is new; `new_type` null: it is gone. */
export interface ColumnChange {
  readonly column: string
  readonly old_type: string | null
  readonly new_type: string | null
}

export interface ViewComparison {
  readonly view: string
  readonly verdict: 'equal' | 'different' | 'added' | 'removed' | 'not_comparable'
  /** Why it cannot be compared, and what to do. */
  readonly reason?: string
  /** Next offsets by topic and partition, up to which both were complete. */
  readonly position?: OffsetsByTopic
  readonly equal: number
  readonly changed: number
  readonly only_old: number
  readonly only_new: number
  /** Rows that cannot be judged yet. */
  readonly unsettled: number
  /** Of changed, only old and only new rows: declared in the request. */
  readonly expected: number
  /** Of those: not declared. */
  readonly unexplained: number
  readonly changed_by_column: Readonly<Record<string, number>>
  readonly schema_changes: readonly ColumnChange[]
  readonly samples: readonly DifferenceSample[]
}

/** The rows of a release beside those of the live one, both complete up to one position. */
export interface Comparison {
  readonly with_release: number
  /** Epoch milliseconds. */
  readonly compared_at: number
  readonly verdict: 'equal' | 'different' | 'not_comparable'
  readonly views: readonly ViewComparison[]
}

/** Differences of one view that are no surprise. */
export interface ExpectedViewDifferences {
  /** Columns that may be added, removed, or hold other values. */
  readonly columns?: readonly string[]
  /** SQL condition over the key columns: rows for which it holds may differ in any way. */
  readonly where?: string
  /** Relative tolerance, 0 to 1, by column of type double or float. */
  readonly tolerance?: Readonly<Record<string, number>>
}

/** What a comparison need not explain any more. */
export interface ExpectedDifferences {
  readonly views?: Readonly<Record<string, ExpectedViewDifferences>>
  readonly added_views?: readonly string[]
  readonly removed_views?: readonly string[]
}

/** Offsets as decimal text, by topic and partition. */
export type OffsetsByTopic = Readonly<Record<string, Readonly<Record<string, string>>>>
