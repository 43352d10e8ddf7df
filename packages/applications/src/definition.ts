/**
 * What a user writes in `applications/<name>/`, validated. A release stores it whole, so every
 * part is plain JSON.
 */
export interface ApplicationDefinition {
  readonly application: string
  readonly description: string
  readonly streams: Readonly<Record<string, StreamDefinition>>
  readonly datasets: Readonly<Record<string, DatasetDefinition>>
  readonly views: Readonly<Record<string, ViewDefinition>>
  readonly spark: SparkSize
  readonly changelog: { readonly partitions: number }
}

/** A topic as the application reads it. */
export interface StreamDefinition {
  readonly topic: string
  /** How long after its event time an event may be accepted and still count. */
  readonly latenessMs: number
}

/** A table that is read where it lies and joined in SQL. */
export interface DatasetDefinition {
  readonly format: 'csv' | 'parquet'
  /** Relative to the application's folder, or an `s3a://` location. */
  readonly path: string
  /** Spark DDL, for example `carrier STRING, name STRING`; required for CSV. */
  readonly schema?: string
  /** Text that stands for null in CSV. */
  readonly nullValue?: string
}

export interface ViewDefinition {
  /** The user's SQL as written. */
  readonly sql: string
  /** File name in the application's folder, for messages. */
  readonly file: string
  /** Output columns that identify a row; equal to the grouping columns of an aggregation. */
  readonly key: readonly string[]
  /** Output column of type timestamp by which ranges are read. */
  readonly time?: string
  /** SQL condition over the output columns: a row for which it holds is deleted from the view. */
  readonly deleteWhen?: string
}

export interface SparkSize {
  readonly cores: number
  /** JVM heap, for example `1536m`. */
  readonly memory: string
  /** Fixed for the life of a release's checkpoints. */
  readonly shufflePartitions: number
}
