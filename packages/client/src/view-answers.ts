/** What rows of an answer are, and how fresh: as the service's API tells it. */
export interface ViewMeta {
  readonly application: string
  readonly view: string
  /** The release whose rows these are; never a mix of two. */
  readonly release: number
  /** Opaque; up to it every event is in the rows. Goes as `await` into other calls. */
  readonly position: string
  /** When the newest event in the rows was accepted, ISO 8601; null before the first one. */
  readonly as_of: string | null
  /** Every event that was accepted before this time is in the rows, ISO 8601. */
  readonly current_at: string
  /** Milliseconds since `current_at`. */
  readonly freshness_ms: number
  /** false: the release dropped events that it should have counted; it must be replayed. */
  readonly complete: boolean
  /** Events that came later than the lateness allows. */
  readonly late_events: number
  /** In views with `retain`: rows with a time before this one are dropped. */
  readonly rows_from?: string
}

/** A view of a live release as `GET /v1/views` tells it. */
export interface ViewDescription {
  readonly application: string
  readonly view: string
  readonly release: number
  /** Columns that identify a row. */
  readonly key: readonly string[]
  /** The column that `from`, `to` and the order `time` use. */
  readonly time: string | null
  /** Columns by which rows can be ordered and filtered, on top of key and time. */
  readonly ranked: readonly string[]
  readonly columns: readonly ViewColumn[]
  /** Rows as of now; while rebuilding, those that are back. */
  readonly rows: number
  /** rebuilding: queries are answered with 503 until all rows are back. */
  readonly state: 'ready' | 'rebuilding'
  /** null before the first position is reached. */
  readonly meta: ViewMeta | null
}

export interface ViewColumn {
  readonly name: string
  /** Spark's name of the type. */
  readonly type: string
  readonly nullable: boolean
}

export interface ViewRow<Row> {
  readonly row: Row
  readonly meta: ViewMeta
}

export interface ViewRows<Row> {
  /** The row of the key at the same place; null where there is none. */
  readonly rows: readonly (Row | null)[]
  readonly meta: ViewMeta
}

export interface ViewPage<Row> {
  readonly rows: readonly Row[]
  /** There may be more: goes as `cursor` into the same query. undefined at the end. */
  readonly nextCursor: string | undefined
  readonly meta: ViewMeta
}

export interface ViewCount {
  readonly count: number
  readonly meta: ViewMeta
}
