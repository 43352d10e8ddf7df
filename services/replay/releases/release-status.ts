import { undecodableEventsMaxByDefault } from '@kappa/applications/definition'
import {
  positionRecord,
  type ReleaseDefinition,
  type ReleaseRecord,
  releaseStates,
} from '@kappa/applications/records'
import { type Static, type TSchema, Type } from 'typebox'
import type { ClusterLife } from './cluster-life.ts'

const orNull = <T extends TSchema>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description })

export const viewStatus = Type.Object({
  view: Type.String(),
  state: Type.Enum(['starting', 'running', 'restarting', 'stopped']),
  mode: orNull(
    Type.Enum(['continuous', 'catch-up']),
    'catch-up: it reads what has piled up, in bounded micro-batches.',
  ),
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
  live: Type.Boolean({ description: 'Readers get its rows.' }),
  cause: orNull(Type.String(), 'Why it failed.'),
  created_at: orNull(Type.String(), 'ISO 8601.'),
  updated_at: Type.String({ description: 'When it came into its state, ISO 8601.' }),
  keep_until: orNull(
    Type.String(),
    'ISO 8601: when a standby is stopped, or what is stopped is deleted.',
  ),
  replay: orNull(Type.String(), 'Id of the replay that built it.'),
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

/** A release as the API shows it. @param life while it has a cluster */
export function releaseStatusOf(
  record: ReleaseRecord,
  about: {
    readonly isLive: boolean
    readonly folderDiffers: boolean
    readonly life: ClusterLife | undefined
    readonly clusterStarts: number
  },
): ReleaseStatus {
  const { application, release, state, cause, created_at, updated_at, keep_until } = record
  const { life, clusterStarts } = about
  const time = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString())
  return {
    application,
    release,
    state,
    live: about.isLive,
    cause: cause ?? null,
    created_at: time(created_at),
    updated_at: new Date(updated_at).toISOString(),
    keep_until: time(keep_until),
    replay: record.replay ? `${application}-${release}` : null,
    folder_differs: about.folderDiffers,
    cluster: life ? { address: life.cluster.address, starts: clusterStarts } : null,
    streams: streamStatuses(record.definition),
    views: life?.views.map((runner) => runner.status(runner.position.lag(life.ends))) ?? [],
  }
}

function streamStatuses({ sources, streams }: ReleaseDefinition) {
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
