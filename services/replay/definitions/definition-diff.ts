import { columnChange } from '@kappa/applications/replay-record'
import { type Static, Type } from 'typebox'

const name = Type.String({ minLength: 1 })
const schemaId = Type.Integer({ description: 'Schema id, as in the wire format of events.' })

const change = Type.Union([Type.Literal('added'), Type.Literal('removed'), Type.Literal('changed')])

const value = Type.Union([Type.String(), Type.Number(), Type.Array(Type.String()), Type.Null()], {
  description: 'null: not there, or left out.',
})

export const fieldChange = Type.Object({
  field: Type.String({ description: 'As in application.yaml or topic.yaml; durations in ms.' }),
  old: value,
  new: value,
})

const viewChange = Type.Object({
  view: name,
  change,
  fields: Type.Array(fieldChange, { description: 'key, time, delete_when.' }),
  sql_diff: Type.Optional(
    Type.String({ description: 'Unified diff; left out where the SQL is the same.' }),
  ),
  columns: Type.Optional(
    Type.Array(columnChange, {
      description: 'Of a changed view; left out where Spark has not analysed the new one.',
    }),
  ),
})

const contractChange = Type.Object({
  old_schema_id: schemaId,
  new_schema_id: schemaId,
  columns_added: Type.Array(Type.String()),
  columns_removed: Type.Array(Type.String()),
  versions_added: Type.Array(schemaId, { description: 'Decoded by the replay only.' }),
  versions_removed: Type.Array(schemaId, {
    description: 'Decoded by the live release only: events of these would be undecodable.',
  }),
})

const streamChange = Type.Object({
  stream: name,
  change,
  fields: Type.Array(fieldChange, {
    description: 'topic, lateness, event_time, earliness, import_disorder_max.',
  }),
  contract: Type.Optional(
    Type.Object(contractChange.properties, {
      description: 'What events are decoded to and from; left out where that is the same.',
    }),
  ),
})

const datasetChange = Type.Object({
  dataset: name,
  change,
  fields: Type.Array(fieldChange, {
    description: 'format, path, schema, null_value, sha256 of what it holds.',
  }),
})

/** What a replay from the application's folder would make different from the live release. */
export const definitionDiff = Type.Object({
  equal: Type.Boolean({ description: 'Nothing differs: a replay would compute the same rows.' }),
  settings: Type.Array(fieldChange, { description: 'description, spark.…, changelog.…' }),
  views: Type.Array(viewChange),
  streams: Type.Array(streamChange),
  datasets: Type.Array(datasetChange),
})

export type FieldChange = Static<typeof fieldChange>
export type ViewChange = Static<typeof viewChange>
export type StreamChange = Static<typeof streamChange>
export type ContractChange = Static<typeof contractChange>
export type DatasetChange = Static<typeof datasetChange>
export type DefinitionDiff = Static<typeof definitionDiff>
