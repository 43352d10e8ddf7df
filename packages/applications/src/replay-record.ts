import { type Static, Type } from 'typebox'
import { sparkSize } from './definition.ts'
import { name, offsetsByTopic } from './offsets.ts'
import type { ReadonlyDeep } from './readonly-deep.ts'

const releaseNumber = Type.Integer({ minimum: 1 })
const count = (description: string) => Type.Integer({ minimum: 0, description })
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])

/** Where a replay begins to read the log. */
export const replayFrom = Type.Union(
  [
    Type.Literal('earliest'),
    Type.Object(
      { timestamp: Type.String({ description: 'Event time, ISO 8601 with a zone.' }) },
      { additionalProperties: false },
    ),
    Type.Object({ offsets: offsetsByTopic }, { additionalProperties: false }),
  ],
  { description: 'earliest, an event time, or offsets by topic and partition.' },
)

export const promotionPolicies = ['if-equal', 'manual', 'always'] as const

/** Differences of one view that are no surprise. */
const expectedViewDifferences = Type.Object(
  {
    columns: Type.Optional(
      Type.Array(name, {
        description: 'Columns that may be added, removed, or hold other values.',
      }),
    ),
    where: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4_096,
        description:
          'SQL condition over the key columns: rows for which it holds may differ in any way.',
      }),
    ),
    tolerance: Type.Optional(
      Type.Record(name, Type.Number({ minimum: 0, maximum: 1 }), {
        description:
          'Relative tolerance by column of type double or float; 1e-9 where nothing is said.',
      }),
    ),
  },
  { additionalProperties: false },
)

export const expectedDifferences = Type.Object(
  {
    views: Type.Optional(Type.Record(name, expectedViewDifferences)),
    added_views: Type.Optional(Type.Array(name)),
    removed_views: Type.Optional(Type.Array(name)),
  },
  { additionalProperties: false, description: 'What the comparison need not explain any more.' },
)

/** One topic of a plan. */
const planTopic = Type.Object({
  topic: name,
  streams: Type.Array(name),
  events: count('Records from the start to the end of the log as of the plan; at most.'),
  missing_events: count('Records before the first kept offset: retention has deleted them.'),
  slack_ms: count('How far apart in event time the unread ranges of the partitions are.'),
})

/** What a replay would read and cost, found before anything starts. */
export const replayPlan = Type.Object({
  starts: offsetsByTopic,
  ends: offsetsByTopic,
  topics: Type.Array(planTopic),
  events: count('Of all topics.'),
  events_per_second: orNull(
    Type.Number({ description: 'Measured in the last replay of the application.' }),
  ),
  estimated_seconds: orNull(Type.Number()),
  state_rows: orNull(
    Type.Integer({
      minimum: 0,
      description: 'Rows of state that the live release holds; null: not known.',
    }),
  ),
  state_store: Type.Union([Type.Literal('rocksdb'), Type.Literal('memory')], {
    description: 'Where its queries keep state, for good: memory where it fits several times.',
  }),
  clusters_running: count('Spark clusters of all applications.'),
  clusters_max: count('More are refused.'),
  carry: Type.Optional(
    Type.Record(
      name,
      Type.Object({
        window_ms: count('Length of its windows.'),
        time_column: name,
        last_carried_ms: Type.Integer({
          description: 'Rows whose time column (epoch ms) is at most this are taken over.',
        }),
      }),
      { description: 'By view: which rows are taken over from the live release.' },
    ),
  ),
  planned_at: Type.Integer({ description: 'Epoch milliseconds.' }),
})

const differenceCounts = {
  equal: count('Rows that are the same in every column.'),
  changed: count('Rows of one key with other values.'),
  only_old: count('Rows that the release does not have any more.'),
  only_new: count('Rows that the live release does not have.'),
  unsettled: count('Rows that cannot be judged yet: append mode, windows still open.'),
}

const differenceSample = Type.Object({
  kind: Type.Union([
    Type.Literal('changed'),
    Type.Literal('only_old'),
    Type.Literal('only_new'),
    Type.Literal('unsettled'),
  ]),
  key: Type.String({ description: 'JSON array of the key columns, as in the changelog.' }),
  old: orNull(Type.Record(Type.String(), Type.Unknown())),
  new: orNull(Type.Record(Type.String(), Type.Unknown())),
  columns: Type.Array(Type.String(), { description: 'Columns that differ.' }),
  expected: Type.Boolean({ description: 'Declared in the request.' }),
})

export const columnChange = Type.Object({
  column: Type.String(),
  old_type: orNull(Type.String({ description: 'null: the column is new.' })),
  new_type: orNull(Type.String({ description: 'null: the column is gone.' })),
})

export const viewComparison = Type.Object({
  view: name,
  verdict: Type.Union(
    [
      Type.Literal('equal'),
      Type.Literal('different'),
      Type.Literal('added'),
      Type.Literal('removed'),
      Type.Literal('not_comparable'),
    ],
    { description: 'equal: nothing differs that was not declared, and something was compared.' },
  ),
  reason: Type.Optional(Type.String({ description: 'Why it cannot be compared, what to do.' })),
  position: Type.Optional(offsetsByTopic),
  ...differenceCounts,
  expected: count('Of changed, only old and only new rows: declared in the request.'),
  unexplained: count('Of those: not declared.'),
  changed_by_column: Type.Record(Type.String(), count('Rows in which it differs.')),
  schema_changes: Type.Array(columnChange),
  samples: Type.Array(differenceSample),
})

/** The rows of a release beside those of the one that is live, both complete up to one position. */
export const comparison = Type.Object({
  with_release: releaseNumber,
  compared_at: Type.Integer({ description: 'Epoch milliseconds.' }),
  verdict: Type.Union([
    Type.Literal('equal'),
    Type.Literal('different'),
    Type.Literal('not_comparable'),
  ]),
  views: Type.Array(viewComparison),
})

/** The job that builds a release from the log beside the live one. */
export const replayRecord = Type.Object({
  idempotency_key: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  requested_at: Type.Integer({ description: 'Epoch milliseconds.' }),
  replaces: orNull(releaseNumber),
  from: replayFrom,
  carry: Type.Boolean({
    description: 'Rows of windows that ended before the timestamp come from the live release.',
  }),
  accept_partial: Type.Boolean({
    description: 'Go on although retention has deleted a part of the log.',
  }),
  promote: Type.Enum([...promotionPolicies]),
  expected: expectedDifferences,
  unsettled_rows_max: count('More rows that cannot be judged make it not comparable.'),
  recomparison: Type.Optional(
    Type.Object(
      {
        expected: Type.Optional(expectedDifferences),
        unsettled_rows_max: Type.Optional(count('As above.')),
      },
      { description: 'Said when it was compared again, in place of what the request says.' },
    ),
  ),
  events_per_second_max: Type.Optional(Type.Integer({ minimum: 1 })),
  watermark_slack_ms: Type.Optional(count('Added to what was found of the log.')),
  spark: Type.Optional(Type.Partial(Type.Pick(sparkSize, ['cores', 'memory', 'executors']))),
  standby_ms: count('How long the release that it replaces stays warm.'),
  retain_ms: count('How long that one is kept after it was stopped.'),
  plan: Type.Optional(replayPlan),
  carried_rows: Type.Optional(Type.Record(name, count('Rows taken over, by view.'))),
  built: Type.Optional(
    Type.Boolean({
      description:
        'It has caught up and was compared: from here on it runs at the size and with the watermark of a live release.',
    }),
  ),
  caught_up: Type.Optional(
    Type.Object({
      events: count('Records read until it had caught up.'),
      seconds: Type.Number(),
    }),
  ),
  comparison: Type.Optional(comparison),
})

export type ReplayFrom = ReadonlyDeep<Static<typeof replayFrom>>
export type PromotionPolicy = (typeof promotionPolicies)[number]
export type ExpectedDifferences = ReadonlyDeep<Static<typeof expectedDifferences>>
export type ExpectedViewDifferences = ReadonlyDeep<Static<typeof expectedViewDifferences>>
export type ReplayPlan = ReadonlyDeep<Static<typeof replayPlan>>
export type DifferenceSample = ReadonlyDeep<Static<typeof differenceSample>>
export type ColumnChange = ReadonlyDeep<Static<typeof columnChange>>
export type ViewComparison = ReadonlyDeep<Static<typeof viewComparison>>
export type Comparison = ReadonlyDeep<Static<typeof comparison>>
export type ReplayRecord = ReadonlyDeep<Static<typeof replayRecord>>
