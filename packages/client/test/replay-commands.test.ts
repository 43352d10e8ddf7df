import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { ReleaseStatus } from '../src/release-status.ts'
import type { SwitchOutcome } from '../src/replay-status.ts'
import { FakeReplay } from './fake-replay.ts'
import { replayPlan, replayStatus } from './replay-statuses.ts'
import { callKappa, type Finished } from './run-kappa.ts'

let fake: FakeReplay
before(async () => {
  fake = await FakeReplay.start()
})
afterEach(() => fake.reset())
after(() => fake.stop())

const kappa = (...args: string[]): Promise<Finished> =>
  callKappa(args, { KAPPA_REPLAY_URL: fake.url })

const release = (changes: Partial<ReleaseStatus> = {}): ReleaseStatus => ({
  application: 'flights',
  release: 1,
  state: 'live',
  cause: null,
  switching: false,
  note: null,
  folder_differs: false,
  cluster: { address: 'sc://127.0.0.1:15002', starts: 1, problems: [] },
  views: [],
  ...changes,
})
const view = (lag_events: number) => ({
  view: 'carrier_hours',
  state: 'running' as const,
  output_mode: 'update' as const,
  position: { batch: 1, sources: {} },
  lag_events,
  batch_ms: null,
  state_rows: null,
  rows_dropped_by_watermark: 0,
  failures_in_a_row: 0,
  last_error: null,
})

test('applications: what is live, how far behind, what goes on beside it, what is wrong', async () => {
  const releases = [
    release({ views: [view(12), view(1_200)], folder_differs: true }),
    release({ release: 2, state: 'catching_up' }),
  ]
  const problems = ['application.yaml:3: unknown field "viws"']
  fake.ok('GET /v1/applications', {
    applications: [
      { application: 'flights', description: '', problems: [], releases },
      { application: 'shop', description: '', problems, releases: [] },
    ],
  })
  const { code, stdout } = await kappa('applications')
  assert.deepEqual(
    [code, stdout],
    [
      0,
      `application  live  state  views    lag  folder   beside it
flights         1  live       2  1,200  differs  2 catching up
shop            -

shop: application.yaml:3: unknown field "viws"
`,
    ],
  )
  const json = await kappa('applications', '--json')
  assert.equal(JSON.parse(json.stdout)[1].application, 'shop')
})

test('releases: the live one is marked, also when it has failed; causes are told', async () => {
  const releases = [
    release({ release: 2, state: 'failed', live: true, cause: 'Out of\nmemory', cluster: null }),
    release({
      state: 'standby',
      live: false,
      updated_at: '2026-01-31T12:00:00.000Z',
      keep_until: '2026-01-31T13:00:00.000Z',
    }),
  ]
  fake.ok('GET /v1/releases?application=flights', { releases })
  const { stdout } = await kappa('releases', 'flights')
  assert.equal(
    stdout,
    `   release    state    since                kept until           cluster               folder
*  flights-2  failed                                                                   same
   flights-1  standby  2026-01-31 12:00:00  2026-01-31 13:00:00  sc://127.0.0.1:15002  same

flights-2: Out of memory
`,
  )
  fake.ok('GET /v1/releases?application=fligths', { releases: [] })
  fake.refuse('GET /v1/applications/fligths', 404, 'unknown_application')
  assert.equal((await kappa('releases', 'fligths')).code, 2)
})

test('replay: what was started, and how to watch it; the key is sent and its repetition told', async () => {
  const replay = replayStatus({ state: 'requested', plan: replayPlan })
  fake.answers.set('POST /v1/replays', [
    { status: 201, body: replay },
    { status: 200, body: replay },
  ])
  const args = ['replay', 'flights', '--promote', 'if-equal', '--idempotency-key', 'k1']
  const first = await kappa(...args)
  assert.deepEqual(
    [first.code, first.stderr, first.stdout],
    [
      0,
      '',
      `flights-2: flights is replayed from the earliest event into release 2, beside release 1.
topic                  events  missing       slack
flights.departures  2,000,000        0  15 min 0 s
flights.arrivals    1,000,000       12         0 s
3,000,000 events at 100,000 events/s: about 30 s; 1 of 4 Spark clusters running.
State is kept in memory: the live release holds 12,000 rows.
kappa replays flights-2 --watch tells how it goes on.
`,
    ],
  )
  const again = await kappa(...args)
  assert.deepEqual(
    [again.code, again.stderr],
    [0, 'flights-2 was asked for before with this key.\n'],
  )
  assert.deepEqual(fake.calls[0]?.body, { application: 'flights', promote: 'if-equal' })
  assert.equal(fake.calls[0]?.headers['idempotency-key'], 'k1')
})

test('replay --dry-run: the plan; 1 when it would be refused, with every reason', async () => {
  const dryRun = { application: 'flights', release: 3, replaces: 2, plan: replayPlan }
  const problems = [{ code: 'quota_exceeded', message: '4 of 4 clusters are running' }]
  fake.ok('POST /v1/replays?dry_run=true', { ...dryRun, problems: [] }, { ...dryRun, problems })
  const may = await kappa('replay', 'flights', '--dry-run')
  assert.deepEqual([may.code, may.stderr], [0, ''])
  assert.match(may.stdout, /^flights would be replayed from the earliest event into release 3, /)
  const refused = await kappa('replay', 'flights', '--dry-run')
  assert.deepEqual(
    [refused.code, refused.stderr],
    [1, 'Refused: 4 of 4 clusters are running (quota_exceeded)\n'],
  )
})

test('a refusal is 1 with its details, an unavailable service 3, an unknown application 2', async () => {
  const details = { problems: [{ code: 'unknown_column', message: 'views/a.sql:3: no column x' }] }
  fake.refuse('POST /v1/replays', 422, 'application_invalid', details)
  const refused = await kappa('replay', 'flights')
  assert.deepEqual(
    [refused.code, refused.stdout, refused.stderr],
    [
      1,
      '',
      `kappa replay: the test asked for application_invalid (application_invalid)
  problems: views/a.sql:3: no column x (unknown_column)
`,
    ],
  )
  fake.refuse('GET /v1/applications', 503, 'kafka_unavailable')
  assert.equal((await kappa('applications')).code, 3)
  fake.refuse('GET /v1/applications/x/diff', 404, 'unknown_application')
  assert.equal((await kappa('diff', 'x')).code, 2)
})

test('a service that is away is told by its own name and variable', async () => {
  const away = await callKappa(['applications', '--url', 'http://127.0.0.1:9'])
  assert.equal(away.code, 3)
  assert.match(away.stderr, /Is replay running \(npm start\)\? --url or KAPPA_REPLAY_URL names/)
  const ingest = await callKappa(['topics', '--url', 'http://127.0.0.1:9'])
  assert.match(ingest.stderr, /Is ingest running \(npm start\)\? --url or KAPPA_INGEST_URL names/)
  const wrong = await callKappa(['releases'], { KAPPA_REPLAY_URL: 'localhost' })
  assert.deepEqual([wrong.code, /not the URL of replay/.test(wrong.stderr)], [2, true])
})

test('an application means its one replay under way; several or none have to be named', async () => {
  const list = 'GET /v1/replays?application=flights'
  const ended = replayStatus({ state: 'cancelled' })
  const running = replayStatus({ release: 3 })
  fake.ok(list, { replays: [running, ended] })
  fake.ok('POST /v1/replays/flights-3/pause', running)
  const paused = await kappa('pause', 'flights')
  assert.deepEqual(
    [paused.code, paused.stdout],
    [
      0,
      `flights-3 pauses: its cluster is stopped, its checkpoints stay. It is catching up now.
kappa resume flights-3 goes on.
`,
    ],
  )
  fake.ok('GET /v1/replays?application=flights', {
    replays: [replayStatus({ release: 4 }), running],
  })
  const several = await kappa('cancel', 'flights')
  assert.equal(several.code, 2)
  assert.match(several.stderr, /flights-4 \(catching up\), flights-3 \(catching up\); name one/)

  fake.ok(list, { replays: [ended] })
  const none = await kappa('compare', 'flights')
  assert.equal(none.code, 2)
  assert.match(none.stderr, /the newest is flights-2, which is cancelled/)
})

test('a failed replay is meant by resume and cancel; an application may be called like an id', async () => {
  const failed = replayStatus({ application: 'shop-2', release: 5, state: 'failed' })
  fake.ok('GET /v1/replays?application=shop-2', { replays: [failed] })
  fake.ok('POST /v1/replays/shop-2-5/resume', { ...failed, state: 'requested' })
  const resumed = await kappa('resume', 'shop-2')
  assert.equal(resumed.code, 0, resumed.stderr)
  assert.match(resumed.stdout, /^shop-2-5 goes on from its checkpoints\. It is requested now\.\n/)
  assert.equal(fake.asked[0], 'GET /v1/replays/shop-2')
})

const outcome = (changes: Partial<SwitchOutcome> = {}): SwitchOutcome => ({
  application: 'flights',
  from: 1,
  to: 2,
  done: true,
  allowed: true,
  reason: null,
  frozen_ms: 1_012,
  ...changes,
})

test('promote: what was switched and for how long rows stood still; 1 when it was not', async () => {
  fake.ok('GET /v1/replays/flights-2', replayStatus({ state: 'ready' }))
  const reason = '3 rows differ that were not declared'
  const refused = outcome({ done: false, allowed: false, reason, frozen_ms: null })
  fake.ok('POST /v1/replays/flights-2/promote', outcome(), refused, refused)
  const done = await kappa('promote', 'flights-2', '--force')
  assert.deepEqual(
    [done.code, done.stderr, done.stdout],
    [
      0,
      '',
      `flights: release 2 is live now in place of release 1. Rows stood still for readers for 1,012 ms.
kappa rollback flights --to 1 takes that back.
`,
    ],
  )
  assert.deepEqual(fake.calls.at(-1)?.body, { force: true })
  const not = await kappa('promote', 'flights-2')
  assert.deepEqual(
    [not.code, not.stdout, not.stderr],
    [1, '', `flights: release 2 does not become live: ${reason}\n`],
  )
  const json = await kappa('promote', 'flights-2', '--json')
  assert.deepEqual([json.code, JSON.parse(json.stdout)], [1, refused])
})

test('rollback: at once, as a dry run, and to a release that catches up first', async () => {
  const post = 'POST /v1/applications/flights/rollback'
  const reason = 'it catches up with the log first'
  const waits = outcome({ from: 3, to: 1, done: false, reason, frozen_ms: null })
  fake.ok(`${post}?dry_run=true`, waits)
  const dry = await kappa('rollback', 'flights', '--to', '1', '--dry-run')
  assert.equal(
    dry.stdout,
    `flights: release 1 would become live in place of release 3: ${reason}.\n`,
  )
  assert.deepEqual(fake.calls.at(-1)?.body, { to: 1 })

  fake.ok(post, waits)
  const asked = await kappa('rollback', 'flights')
  assert.deepEqual(
    [asked.code, asked.stdout],
    [
      0,
      `flights: release 1 is going to be live in place of release 3: ${reason}.
kappa releases flights tells when it is live.
`,
    ],
  )
  fake.ok(
    'GET /v1/releases/flights/1',
    release({ state: 'catching_up', switching: true, views: [view(5)] }),
    release(),
  )
  const watched = await kappa('rollback', 'flights', '--watch')
  assert.deepEqual(
    [watched.code, watched.stderr],
    [0, 'flights-1 catching up: lag 5\nflights-1 live: lag 0\n'],
  )
  assert.match(watched.stdout, /\nflights: release 1 is live now\.\n$/)

  fake.ok('GET /v1/releases/flights/1', release({ state: 'failed', cause: 'no such topic' }))
  const failed = await kappa('rollback', 'flights', '--watch')
  assert.equal(failed.code, 1)
  assert.match(failed.stderr, /flights: release 1 is failed, not live: no such topic\n$/)

  const note = 'Redis has lost rows while they stood still'
  fake.ok('GET /v1/releases/flights/1', release({ state: 'standby', note }))
  const refused = await kappa('rollback', 'flights', '--watch')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /release 1 is standby, not live: Redis has lost rows/)
})

test('retire names a release as replays do; orphans are listed, and removed when asked', async () => {
  fake.ok('POST /v1/releases/flights/1/retire', release({ state: 'retired' }))
  const retired = await kappa('retire', 'flights-1')
  assert.equal(retired.stdout, 'flights-1 is retired: all that it has is deleted.\n')
  assert.equal((await kappa('retire', 'flights')).code, 2)
  fake.refuse('POST /v1/releases/flights/2/retire', 409, 'release_live')
  assert.equal((await kappa('retire', 'flights-2')).code, 1)

  const orphan = {
    kind: 'topic',
    name: 'kappa.changelog.flights.1.a',
    application: 'flights',
    release: 1,
  }
  fake.ok('GET /v1/orphans', { orphans: [orphan] })
  fake.ok('POST /v1/orphans/remove', { removed: [orphan] })
  assert.equal(
    (await kappa('orphans')).stdout,
    `kind   release    name
topic  flights-1  kappa.changelog.flights.1.a
kappa orphans --remove deletes them.
`,
  )
  assert.match((await kappa('orphans', '--remove')).stdout, /\n1 orphan removed\.\n$/)
  fake.ok('GET /v1/orphans', { orphans: [] })
  assert.equal((await kappa('orphans')).stdout, 'No orphans.\n')
})

test('diff is coloured on a terminal, unless NO_COLOR is set', async () => {
  const view = { view: 'a', change: 'changed', sql_diff: '-SELECT 1\n+SELECT 2\n' }
  fake.ok('GET /v1/applications/flights/diff', {
    application: 'flights',
    release: 1,
    views: [view],
  })
  const env = { KAPPA_REPLAY_URL: fake.url }
  const coloured = await callKappa(['diff', 'flights'], env, { columns: 80 })
  assert.ok(
    coloured.stdout.includes('  \u001b[31m-SELECT 1\u001b[0m\n  \u001b[32m+SELECT 2\u001b[0m\n'),
  )
  const plain = { ...env, NO_COLOR: '1' }
  for (const { stdout } of [
    await callKappa(['diff', 'flights'], plain, { columns: 80 }),
    await callKappa(['diff', 'flights'], env),
  ]) {
    assert.ok(stdout.endsWith('view a: changed\n  -SELECT 1\n  +SELECT 2\n'), stdout)
  }
})

test('diff is 1 when Spark does not accept the SQL, with what it says', async () => {
  const problems = ['views/a.sql: no column x']
  const diff = { application: 'flights', release: 1, views: [], problems }
  fake.ok('GET /v1/applications/flights/diff', diff)
  const { code, stderr } = await kappa('diff', 'flights')
  assert.deepEqual([code, stderr], [1, 'views/a.sql: no column x\n'])
})
