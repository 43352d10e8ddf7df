import { releaseStates } from '@kappa/applications/records'
import { type Static, type TSchema, Type } from 'typebox'
import { viewStatus } from '../views/view-status.ts'

const orNull = <T extends TSchema>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description })

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
  switching: Type.Boolean({ description: 'It was asked to become live, and may still.' }),
  note: orNull(Type.String(), 'Why a switch to it did not come about.'),
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
    Type.Object({
      address: Type.String(),
      starts: Type.Integer(),
      problems: Type.Array(Type.String(), {
        description: 'What keeps it from working as it should, now or a moment ago.',
      }),
    }),
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

export type ReleaseStatus = Static<typeof releaseStatus>
export type ApplicationStatus = Static<typeof applicationStatus>
