import { sparkSize } from '@kappa/applications/definition'
import { name } from '@kappa/applications/offsets'
import { releaseStates } from '@kappa/applications/records'
import {
  comparison,
  expectedDifferences,
  promotionPolicies,
  replayFrom,
  replayPlan,
} from '@kappa/applications/replay-record'
import { type Static, type TSchema, Type } from 'typebox'

const orNull = <T extends TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description })
const duration = (description: string) =>
  Type.String({ description: `${description}, such as "1 hour" or "7 days".` })

/** What a comparison need not explain. */
const declared = {
  expected: Type.Optional(expectedDifferences),
  unsettled_rows_max: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'More rows that cannot be judged make it not comparable; default 0.',
    }),
  ),
}

export const comparisonRequest = Type.Object(declared, { additionalProperties: false })

/** What a replay is asked for. */
export const replayRequest = Type.Object(
  {
    application: name,
    from: Type.Optional(replayFrom),
    carry: Type.Optional(
      Type.Boolean({
        description:
          'With `from: {timestamp}`: rows of windows that ended before it are taken over from the live release.',
      }),
    ),
    accept_partial: Type.Optional(
      Type.Boolean({ description: 'Go on although retention has deleted a part of the log.' }),
    ),
    promote: Type.Optional(
      Type.Enum([...promotionPolicies], {
        description:
          'if-equal: when nothing differs that was not declared; manual (default); always.',
      }),
    ),
    ...declared,
    events_per_second_max: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Bound on what a view reads while it catches up.' }),
    ),
    watermark_slack: Type.Optional(
      duration('Added to what is found of how far partitions are apart in time'),
    ),
    spark: Type.Optional(
      Type.Partial(Type.Pick(sparkSize, ['cores', 'memory', 'executors']), {
        additionalProperties: false,
        description: 'Size of its cluster while it catches up; left out, that of the application.',
      }),
    ),
    keep_warm_for: Type.Optional(duration('How long the release that it replaces stays warm')),
    retain_for: Type.Optional(duration('How long that one is kept after it was stopped')),
  },
  { additionalProperties: false },
)

const partitionProgress = Type.Object({
  topic: Type.String(),
  partition: Type.Integer(),
  next_offset: Type.String({ description: 'Of the view that is behind most.' }),
  end_offset: Type.String(),
  lag_events: Type.Integer(),
})

export const replayProgress = Type.Object({
  percent: Type.Number({ minimum: 0, maximum: 100 }),
  events_read: Type.Integer({ description: 'Of the view that is behind most, all topics.' }),
  events_total: Type.Integer(),
  events_per_second: orNull(Type.Number(), 'Over the last finished micro-batches.'),
  eta_seconds: orNull(Type.Number()),
  lag_events: Type.Integer(),
  batches: Type.Integer({ description: 'Finished, over all views.' }),
  state_rows: Type.Integer(),
  state_bytes: Type.Integer(),
  rows_dropped_by_watermark: Type.Integer({ description: 'Above 0 it cannot be promoted.' }),
  partitions: Type.Array(partitionProgress),
})

export const replayStatus = Type.Object({
  id: Type.String({ description: '`<application>-<release>`.' }),
  application: Type.String(),
  release: Type.Integer(),
  replaces: orNull(Type.Integer(), 'The release that was live when it was asked for.'),
  state: Type.Enum([...releaseStates]),
  cause: orNull(Type.String(), 'Why it failed.'),
  note: orNull(Type.String(), 'What it waits for, or why it was not promoted.'),
  requested_at: Type.String({ description: 'ISO 8601.' }),
  updated_at: Type.String({ description: 'When it came into its state, ISO 8601.' }),
  request: Type.Object({
    from: replayFrom,
    carry: Type.Boolean(),
    accept_partial: Type.Boolean(),
    promote: Type.Enum([...promotionPolicies]),
    expected: expectedDifferences,
    unsettled_rows_max: Type.Integer(),
    events_per_second_max: orNull(Type.Integer()),
    keep_warm_for: Type.String(),
    retain_for: Type.String(),
  }),
  plan: orNull(replayPlan),
  progress: orNull(replayProgress, 'While it has a cluster.'),
  comparison: orNull(comparison),
})

/** What a replay would do; nothing was started for it that is still there. */
export const replayDryRun = Type.Object({
  application: Type.String(),
  release: Type.Integer({ description: 'The number that it would get.' }),
  replaces: orNull(Type.Integer()),
  plan: replayPlan,
  problems: Type.Array(Type.Object({ code: Type.String(), message: Type.String() }), {
    description: 'Why it would be refused; empty when it would start.',
  }),
})

export type ReplayRequest = Static<typeof replayRequest>
export type ComparisonRequest = Static<typeof comparisonRequest>
export type ReplayProgress = Static<typeof replayProgress>
export type ReplayStatus = Static<typeof replayStatus>
export type ReplayDryRun = Static<typeof replayDryRun>
