import { type Static, Type } from 'typebox'
import type { ReadonlyDeep } from './readonly-deep.ts'

const name = Type.String({ minLength: 1 })

/** Records that cannot be decoded, in a stream of one release, that do not fail it. */
export const undecodableEventsMaxByDefault = 1_000

/** Each costs an entry of an index for each row. */
export const rankedColumnsMax = 4

/** A topic as the application reads it. */
const streamDefinition = Type.Object({
  topic: name,
  latenessMs: Type.Integer({
    minimum: 0,
    description: 'How long after its event time an event may be accepted and still count.',
  }),
  undecodableEventsMax: Type.Optional(
    Type.Integer({
      minimum: 0,
      description:
        'More records of the topic that cannot be decoded fail the release. No row depends on it, so a release takes it from the files whenever replay starts.',
    }),
  ),
})

/** A table that is read where it lies and joined in SQL. */
const datasetDefinition = Type.Object({
  format: Type.Union([Type.Literal('csv'), Type.Literal('parquet')]),
  path: Type.String({
    minLength: 1,
    description: "Relative to the application's folder, or an `s3a://` location.",
  }),
  schema: Type.Optional(
    Type.String({
      description: 'Spark DDL, for example `carrier STRING, name STRING`; required for CSV.',
    }),
  ),
  nullValue: Type.Optional(Type.String({ description: 'Text that stands for null in CSV.' })),
})

export const viewDefinition = Type.Object({
  sql: Type.String({ description: "The user's SQL as written." }),
  file: Type.String({ description: "File name in the application's folder, for messages." }),
  key: Type.Array(name, {
    minItems: 1,
    description:
      'Output columns that identify a row; equal to the grouping columns of an aggregation.',
  }),
  time: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'Output column of type timestamp by which ranges are read.',
    }),
  ),
  ranked: Type.Optional(
    Type.Array(name, {
      maxItems: rankedColumnsMax,
      description:
        'Output columns by which rows can be ordered, for the first of them, and filtered, on top of key and time.',
    }),
  ),
  retainMs: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        'Rows whose time is further than this before the watermark are dropped from the view, and rows without a time.',
    }),
  ),
  deleteWhen: Type.Optional(
    Type.String({
      description:
        'SQL condition over the output columns: a row for which it holds is deleted from the view.',
    }),
  ),
})

export const sparkSize = Type.Object({
  cores: Type.Integer({ minimum: 1, description: 'Of one executor.' }),
  memory: Type.String({ description: 'JVM heap of one executor, for example `1536m`.' }),
  executors: Type.Optional(
    Type.Integer({
      minimum: 1,
      description: '1 where it is not said, as in releases that were made before it could be.',
    }),
  ),
  executorsMax: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        'Where it is more than `executors`, and clusters can grow where they run, there are so many while there is work for them.',
    }),
  ),
  shufflePartitions: Type.Integer({
    minimum: 1,
    description: "Fixed for the life of a release's checkpoints.",
  }),
})

/**
 * What a user writes in `applications/<name>/`, validated. A release stores it whole, so every
 * part is plain JSON.
 */
export const applicationDefinition = Type.Object({
  application: name,
  description: Type.String(),
  streams: Type.Record(name, streamDefinition),
  datasets: Type.Record(name, datasetDefinition),
  views: Type.Record(name, viewDefinition),
  spark: sparkSize,
  changelog: Type.Object({ partitions: Type.Integer({ minimum: 1 }) }),
})

export type ApplicationDefinition = ReadonlyDeep<Static<typeof applicationDefinition>>
export type StreamDefinition = ReadonlyDeep<Static<typeof streamDefinition>>
export type DatasetDefinition = ReadonlyDeep<Static<typeof datasetDefinition>>
export type ViewDefinition = ReadonlyDeep<Static<typeof viewDefinition>>
export type SparkSize = ReadonlyDeep<Static<typeof sparkSize>>
