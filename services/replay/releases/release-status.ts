import { undecodableEventsMaxByDefault } from '@kappa/applications/definition'
import { positionRecord, type ReleaseDefinition, releaseStates } from '@kappa/applications/records'
import { type Static, type TSchema, Type } from 'typebox'

const orNull = <T extends TSchema>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description })

export const viewStatus = Type.Object({
  view: Type.String(),
  state: Type.Enum(['starting', 'running', 'restarting', 'stopped']),
  output_mode: Type.Union([Type.Literal('update'), Type.Literal('append')]),
  position: positionRecord,
  lag_events: Type.Integer({ description: 'Events of the log that the view does not cover yet.' }),
  batch_ms: orNull(Type.Number(), 'Duration of the last micro-batch.'),
  batch_parts_ms: orNull(
    Type.Record(Type.String(), Type.Number()),
    "Where the last micro-batch's time went, in Spark's words.",
  ),
  state_rows: orNull(Type.Integer(), 'Rows that Spark holds as state.'),
  rows_dropped_by_watermark: Type.Integer({ description: 'Above 0 the view is incomplete.' }),
  failures_in_a_row: Type.Integer(),
  last_error: orNull(Type.String(), 'Why its query failed last.'),
})

const streamStatus = Type.Object({
  stream: Type.String(),
  topic: Type.String(),
  schema_ids: Type.Array(Type.Integer(), {
    description: 'What the release decodes: ids in the wire format.',
  }),
  undecodable_versions: Type.Array(
    Type.Object({ version: Type.Integer(), schema_id: Type.Integer(), reason: Type.String() }),
    {
      description:
        'Versions of the contract that the reader schema of this release cannot resolve: ingest does not write them as long as it runs.',
    },
  ),
  undecodable_events_max: Type.Integer({
    description: 'More records that cannot be decoded fail the release.',
  }),
})

export const releaseStatus = Type.Object({
  application: Type.String(),
  release: Type.Integer(),
  state: Type.Enum([...releaseStates]),
  cause: orNull(Type.String(), 'Why it failed.'),
  folder_differs: Type.Boolean({
    description: 'The folder says something else than this release runs.',
  }),
  cluster: orNull(
    Type.Object({ address: Type.String(), starts: Type.Integer() }),
    'Where its Spark cluster listens and how often it was started.',
  ),
  streams: Type.Array(streamStatus),
  views: Type.Array(viewStatus),
})

export const applicationStatus = Type.Object({
  application: Type.String(),
  description: Type.String(),
  problems: Type.Array(Type.String(), {
    description: "What is wrong with the application's files.",
  }),
  releases: Type.Array(releaseStatus),
})

export function streamStatuses({ sources, streams }: ReleaseDefinition) {
  return Object.values(sources).map(({ name, topic, versions, undecodableVersions = [] }) => ({
    stream: name,
    topic,
    schema_ids: versions.map(({ schemaId }) => schemaId),
    undecodable_versions: undecodableVersions.map(({ version, schemaId, reason }) => ({
      version,
      schema_id: schemaId,
      reason,
    })),
    undecodable_events_max: streams[name]?.undecodableEventsMax ?? undecodableEventsMaxByDefault,
  }))
}

export type ViewStatus = Static<typeof viewStatus>
export type ReleaseStatus = Static<typeof releaseStatus>
export type ApplicationStatus = Static<typeof applicationStatus>
