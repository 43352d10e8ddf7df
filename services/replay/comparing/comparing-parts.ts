import type { SparkSession } from '@kappa/spark-connect/session'

/** What a comparison needs of the cluster that it runs on. */
export interface ComparingParts {
  /** Of the comparison alone: its settings are changed. */
  readonly session: SparkSession
  /** How Spark reaches Kafka, see `sparkKafkaOptions`. */
  readonly kafka: Readonly<Record<string, string>>
  readonly bounds: ComparingBounds
  readonly signal?: AbortSignal
}

export interface ComparingBounds {
  /** More rows that may still come make a view not comparable. */
  readonly unsettledRowsMax: number
  /** Of each view. */
  readonly samplesMax: number
  /** Of the samples of one view, as JSON. */
  readonly sampleBytesMax: number
  /** Of each of the two queries of a view. */
  readonly timeoutMs: number
}
