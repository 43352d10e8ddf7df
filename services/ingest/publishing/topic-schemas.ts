import { type Static, Type } from 'typebox'
import type { VersionVerdict } from '../contracts/publishable-versions.ts'
import type { Topic } from './topics.ts'

const topicVersion = Type.Object({
  version: Type.Integer(),
  schema_id: Type.Integer(),
  publishable: Type.Boolean({
    description: 'Whether events of it are taken: every release that reads the topic decodes them.',
  }),
  blocked_by: Type.Array(
    Type.Object({
      application: Type.String(),
      release: Type.Integer(),
      reason: Type.String(),
      restart_helps: Type.Boolean({
        description: 'Replay, started again with these contracts, makes the release decode it.',
      }),
    }),
    { description: 'The releases that cannot decode it.' },
  ),
})

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
    versions: Type.Array(topicVersion, {
      description:
        'In order. Publishing takes the newest publishable one unless a request names one.',
    }),
  },
  { title: 'Topic' },
)

export function summarize(
  { contract }: Topic,
  verdicts: readonly VersionVerdict[],
): Static<typeof topicSummary> {
  return {
    topic: contract.topic,
    key: contract.keyField,
    id: contract.idField ?? null,
    event_time: contract.eventTimeField,
    partitions: contract.partitions,
    earliness_ms: contract.earlinessMs,
    import_disorder_ms_max: contract.importDisorderMaxMs,
    versions: verdicts.map(({ version, blockedBy }) => ({
      version: version.n,
      schema_id: version.schemaId,
      publishable: blockedBy.length === 0,
      blocked_by: [...blockedBy],
    })),
  }
}
