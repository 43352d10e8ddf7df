import { type Static, Type } from 'typebox'
import type { Topic } from './topics.ts'

export const topicSummary = Type.Object(
  {
    topic: Type.String(),
    key: Type.String({ description: "Field whose value is the record's key." }),
    id: Type.Union([Type.String(), Type.Null()], {
      description: 'Field that identifies an event; null: ingest makes an id for each.',
    }),
    event_time: Type.String({ description: 'Field that says when the event happened.' }),
    partitions: Type.Integer(),
    earliness_ms: Type.Integer({ description: 'Events further in the future are rejected.' }),
    import_disorder_ms_max: Type.Integer({
      description: 'Largest disorder that an import of history may declare.',
    }),
    versions: Type.Array(Type.Object({ version: Type.Integer(), schema_id: Type.Integer() })),
  },
  { title: 'Topic' },
)

export function summarize({ contract }: Topic): Static<typeof topicSummary> {
  return {
    topic: contract.topic,
    key: contract.keyField,
    id: contract.idField ?? null,
    event_time: contract.eventTimeField,
    partitions: contract.partitions,
    earliness_ms: contract.earlinessMs,
    import_disorder_ms_max: contract.importDisorderMaxMs,
    versions: contract.versions.map(({ n, schemaId }) => ({ version: n, schema_id: schemaId })),
  }
}
