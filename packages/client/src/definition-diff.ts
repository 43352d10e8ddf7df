import type { ColumnChange } from './comparison.ts'

type Value = string | number | readonly string[] | null

/** null: not there, or left out. */
export interface FieldChange {
  readonly field: string
  readonly old: Value
  readonly new: Value
}

interface PartDiff {
  readonly change: 'added' | 'removed' | 'changed' | 'same'
  readonly fields?: readonly FieldChange[]
}

export interface ViewDiff extends PartDiff {
  readonly view: string
  /** Unified; left out or null where the SQL is the same. */
  readonly sql_diff?: string | null
  /** Left out where Spark has not analysed the new one. */
  readonly columns?: readonly ColumnChange[]
}

export interface StreamDiff extends PartDiff {
  readonly stream: string
  /** What events are decoded to and from; left out where that is the same. */
  readonly contract?: {
    readonly old_schema_id: number
    readonly new_schema_id: number
    readonly columns_added: readonly string[]
    readonly columns_removed: readonly string[]
    /** Decoded by a replay only. */
    readonly versions_added: readonly number[]
    /** Decoded by the live release only. */
    readonly versions_removed: readonly number[]
  }
}

export interface DatasetDiff extends PartDiff {
  readonly dataset: string
}

/** What a replay of an application's folder would make different from its live release. */
export interface DefinitionDiff {
  readonly application: string
  /** The live one; null when there is none. */
  readonly release: number | null
  readonly views: readonly ViewDiff[]
  readonly streams?: readonly StreamDiff[]
  readonly datasets?: readonly DatasetDiff[]
  readonly settings?: readonly FieldChange[]
  /** What Spark says against the SQL. */
  readonly problems?: readonly string[]
}
