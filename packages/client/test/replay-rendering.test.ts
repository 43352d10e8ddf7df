import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawBar, showSeconds } from '../src/cli/figures.ts'
import { plainLine } from '../src/cli/plain-text.ts'
import { diffText } from '../src/cli/replay/render-diff.ts'
import { planText } from '../src/cli/replay/render-plan.ts'
import { progressLine } from '../src/cli/replay/render-progress.ts'
import { replaysTable } from '../src/cli/replay/render-replays.ts'
import { summaryText } from '../src/cli/replay/render-summary.ts'
import {
  comparison,
  replayPlan,
  replayProgress,
  replayStatus,
  viewComparison,
} from './replay-statuses.ts'

test('progress tells percent, speed, time left and lag; never more than was reached', () => {
  const progress = replayProgress()
  assert.equal(
    progressLine(replayStatus({ progress })),
    'flights-2 catching up: 42 %, 102,346 events/s, 17 s left, lag 1,713,000',
  )
  const almost = replayProgress({ percent: 99.99, events_per_second: null, eta_seconds: null })
  const note = 'waits for\nview carrier_hours'
  assert.equal(
    progressLine(replayStatus({ state: 'comparing', progress: almost, note })),
    'flights-2 comparing: 99 %, lag 1,713,000, waits for view carrier_hours',
  )
  assert.equal(progressLine(replayStatus({ state: 'starting' })), 'flights-2 starting')
  assert.equal(drawBar(0.43), '[#######.........]')
  assert.deepEqual([59.2, 119.7, 3_600, 9_000].map(showSeconds), [
    '60 s',
    '2 min 0 s',
    '1 h 0 min',
    '2 h 30 min',
  ])
})

test('a plan tells what is read, what is missing and how long it takes', () => {
  const carry = {
    carrier_hours: { window_ms: 3_600_000, time_column: 'hour', last_carried_ms: 0 },
  }
  assert.equal(
    planText({ ...replayPlan, carry }),
    `topic                  events  missing       slack
flights.departures  2,000,000        0  15 min 0 s
flights.arrivals    1,000,000       12         0 s
3,000,000 events at 100,000 events/s: about 30 s; 1 of 4 Spark clusters running.
State is kept in memory: the live release holds 12,000 rows.
Earlier rows are taken over: carrier_hours (windows of 1 h 0 min).
`,
  )
})

test('a comparison that differs: views, columns, and rows side by side', () => {
  const views = [
    viewComparison({
      verdict: 'different',
      changed: 2,
      only_old: 1,
      unexplained: 2,
      expected: 1,
      changed_by_column: { delayed: 2, delay_minutes_avg: 1 },
      schema_changes: [
        { column: 'on_time', old_type: null, new_type: 'BIGINT' },
        { column: 'gate', old_type: 'STRING', new_type: null },
        { column: 'delayed', old_type: 'INT', new_type: 'BIGINT' },
      ],
      samples: [
        {
          kind: 'only_old',
          key: '["AA","2013-01-01T06:00:00.000Z"]',
          old: { carrier: 'AA', departures: 3 },
          new: null,
          columns: [],
          expected: true,
        },
        {
          kind: 'changed',
          key: '["UA","2013-01-01T05:00:00.000Z"]',
          old: { carrier: 'UA', delayed: 3, delay_minutes_avg: 7.25 },
          new: { carrier: 'UA', delayed: 4, delay_minutes_avg: null },
          columns: ['delayed', 'delay_minutes_avg'],
          expected: false,
        },
      ],
    }),
    viewComparison({ view: 'turnarounds', verdict: 'not_comparable', reason: 'windows are open' }),
  ]
  const replay = replayStatus({ state: 'ready', comparison: comparison('different', views) })
  assert.equal(
    summaryText(replay),
    `flights-2 is ready: it has read the whole log and runs as the live release would.

Release 2 beside release 1, compared at 2026-01-31 12:00:00: rows differ that were not declared.

view           verdict         equal  changed  only old  only new  unsettled  expected  unexplained
carrier_hours  different       1,200        2         1         0          0         1            2
turnarounds    not comparable  1,200        0         0         0          0         0            0

carrier_hours
  columns: + on_time BIGINT, - gate STRING, delayed INT → BIGINT
  differs: delayed in 2 rows, delay_minutes_avg in 1
  key                           difference          column             release 1                    release 2
  UA, 2013-01-01T05:00:00.000Z  changed             delayed            3                         →  4
                                                    delay_minutes_avg  7.25                      →  null
  AA, 2013-01-01T06:00:00.000Z  only old, expected                     carrier AA, departures 3  →  -

turnarounds
  windows are open

Next:
  kappa promote flights-2  makes it live
  kappa cancel flights-2   gives it up and deletes what it has built
`,
  )
})

test('each state at rest tells what it means and what can be done next', () => {
  const texts = {
    failed: summaryText(replayStatus({ state: 'failed', cause: 'Spark: no such column' })),
    live: summaryText(replayStatus({ state: 'live' })),
    dropped: summaryText(
      replayStatus({ state: 'ready', progress: replayProgress({ rows_dropped_by_watermark: 1 }) }),
    ),
    first: summaryText(replayStatus({ state: 'live', replaces: null, release: 1 })),
  }
  assert.deepEqual(texts, {
    failed: `flights-2 failed: Spark: no such column

Next:
  kappa resume flights-2  goes on from its checkpoints
  kappa cancel flights-2  gives it up and deletes what it has built
`,
    live: `flights-2 is live: readers get release 2.

Next:
  kappa rollback flights  brings release 1 back
`,
    dropped: `flights-2 is ready: it has read the whole log and runs as the live release would.
Dropped by the watermark: 1 row. It cannot be promoted; replay again.

Next:
  kappa cancel flights-2  gives it up and deletes what it has built
`,
    first: 'flights-1 is live: readers get release 1.\n',
  })
})

test('a list of replays', () => {
  const running = replayStatus({ release: 3, progress: replayProgress() })
  const ended = replayStatus({ state: 'cancelled', comparison: comparison('not_comparable') })
  assert.equal(
    replaysTable([running, ended]).join(''),
    `id         state        done  events/s  left  compared        promote  requested
flights-3  catching up  42 %   102,346  17 s                  manual   2026-01-31 12:00:00
flights-2  cancelled                          not comparable  manual   2026-01-31 12:00:00
`,
  )
})

const diff = {
  application: 'flights',
  release: 2,
  settings: [{ field: 'spark.cores', old: 2, new: 4 }],
  views: [
    { view: 'aircraft_places', change: 'same', sql_diff: null },
    {
      view: 'carrier_hours',
      change: 'changed',
      fields: [{ field: 'key', old: ['carrier'], new: ['carrier', 'hour'] }],
      columns: [{ column: 'on_time', old_type: null, new_type: 'BIGINT' }],
      sql_diff: '@@ -1,2 +1,2 @@\n SELECT carrier,\n-  count(*)\n+  count(*) AS departures\n',
    },
  ],
  streams: [
    {
      stream: 'departures',
      change: 'changed',
      fields: [],
      contract: {
        old_schema_id: 7,
        new_schema_id: 8,
        columns_added: ['gate'],
        columns_removed: [],
        versions_added: [8],
        versions_removed: [],
      },
    },
  ],
  datasets: [{ dataset: 'planes', change: 'removed', fields: [] }],
} as const

test('a diff tells settings, SQL, columns, keys, contracts and datasets that change', () => {
  assert.equal(
    diffText(diff, (text) => text),
    `flights: what a replay of the folder would change (release 2 is live)

settings
  spark.cores: 2 → 4

view carrier_hours: changed
  key: carrier → carrier, hour
  columns: + on_time BIGINT
  @@ -1,2 +1,2 @@
   SELECT carrier,
  -  count(*)
  +  count(*) AS departures

stream departures: changed
  contract: schema 7 → 8
  columns added: gate
  versions decoded from now on: 8

dataset planes: removed
`,
  )
  assert.equal(
    diffText({ application: 'flights', release: 2, views: [diff.views[0]] }, (text) => text),
    'flights: the folder is what release 2 runs; a replay would change nothing.\n',
  )
})

test('data cannot draw on the terminal', () => {
  assert.equal(plainLine('a\u001b[2J\u202eb\nc'), 'a\\u{1b}[2J\\u{202e}b c')
  assert.equal(plainLine('abcdef', 4), 'abc…')
  const sample = {
    kind: 'changed',
    key: '["\\u001b]0;x\\u0007"]',
    old: { name: '\u009b2J' },
    new: { name: 'b' },
    columns: ['name'],
    expected: false,
  } as const
  const views = [viewComparison({ verdict: 'different', changed: 1, samples: [sample] })]
  const replay = replayStatus({ state: 'ready', comparison: comparison('different', views) })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  assert.doesNotMatch(summaryText(replay), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
})
