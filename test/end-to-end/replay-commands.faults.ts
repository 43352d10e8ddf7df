import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ReleaseStatus } from '@kappa/replay/overview/release-status'
import type { ReplayDryRun, ReplayStatus } from '@kappa/replay/replays/replay-schemas'
import type { SwitchOutcome } from '@kappa/replay/switching/switch-outcome'
import { type Finished, runKappa } from '../../packages/client/test/run-kappa.ts'
import { FlightsCase } from '../replays/flights-case.ts'
import { readAllTheTime } from '../replays/replays.ts'

const application = 'flights'
const file = 'views/carrier_hours.sql'

/** Exit codes: 0 done, 1 the thing itself is not as it has to be, 2 a wrong call. */
describe('kappa drives a change of a view from the diff to the rollback', {
  concurrency: 1,
}, () => {
  let flights: FlightsCase
  let sql = ''
  let reader: ReturnType<typeof readAllTheTime>

  before(async () => {
    flights = await FlightsCase.start({
      namespace: 'faults-commands',
      redisDatabase: 8,
      views: ['carrier_hours', 'turnarounds'],
      days: 2,
    })
    await flights.assertRows()
    sql = readFileSync(join(flights.copy.applicationsFolder, application, file), 'utf8')
    reader = readAllTheTime(flights.platform, application, 'carrier_hours', 100)
  })
  after(async () => {
    await reader?.stop()
    await flights?.stop()
  })

  test('before anything is changed', async () => {
    const [listed, diff, replays, orphans, releases] = await Promise.all([
      json<{ application: string; releases: ReleaseStatus[] }[]>('applications'),
      json<{ equal: boolean }>('diff', application),
      json<ReplayStatus[]>('replays'),
      json<object[]>('orphans'),
      json<ReleaseStatus[]>('releases', application),
    ])
    assert.deepEqual(
      listed.map((each) => [each.application, each.releases[0]?.state]),
      [[application, 'live']],
    )
    assert.deepEqual([diff.equal, replays, orphans, releases.length], [true, [], [], 1])
    assert.match((await kappa(0, 'orphans')).stdout, /^No orphans\.$/m)
    assert.match((await kappa(0, 'applications')).stdout, /flights\s+1\s+live/)
  })

  test('a change: what it is, what it would cost, what it does to rows', async () => {
    flights.copy.write(file, sql.replace('window(departed_at', 'window(scheduled_at'))
    const diff = await json<{ equal: boolean; views: { view: string; change: string }[] }>(
      'diff',
      application,
    )
    assert.equal(diff.equal, false)
    assert.deepEqual(
      diff.views.map(({ view, change }) => [view, change]),
      [['carrier_hours', 'changed']],
    )
    const shown = (await kappa(0, 'diff', application)).stdout
    assert.match(shown, /^\s*-.*window\(departed_at/m)
    assert.match(shown, /^\s*\+.*window\(scheduled_at/m)

    const dry = await json<ReplayDryRun>('replay', application, '--dry-run')
    assert.deepEqual(
      [dry.release, dry.replaces, dry.plan.events, dry.problems],
      [2, 1, flights.events.length, []],
    )
    assert.equal((await json<ReleaseStatus[]>('releases', application)).length, 1)

    const watched = await kappa(1, 'replay', application, '--watch', '--promote', 'if-equal')
    assert.match(watched.stdout, /flights-2/)
    assert.match(watched.stdout, /carrier_hours/)
    const lines = await jsonLines(1, 'compare', 'flights-2', '--watch')
    assert.equal(lines.at(-1)?.state, 'ready')
    assert.equal(lines.at(-1)?.comparison?.verdict, 'different')
  })

  test('promoted: refused where rows differ, done where it is forced', async () => {
    assert.match((await kappa(1, 'promote', 'flights-2')).stderr, /rows_differ/)
    const wouldNot = await kappa(1, 'promote', 'flights-2', '--dry-run', '--json')
    assert.equal((JSON.parse(wouldNot.stdout) as SwitchOutcome).allowed, false)
    const outcome = await json<SwitchOutcome>('promote', 'flights-2', '--force')
    assert.deepEqual([outcome.from, outcome.to, outcome.done], [1, 2, true])
    assert.match((await kappa(0, 'releases', application)).stdout, /^\*\s+flights-2\s+live/m)
  })

  test('the same again: equal, ready, cancelled', async () => {
    const lines = await jsonLines(0, 'replay', application, '--watch')
    const last = lines.at(-1)
    assert.deepEqual([last?.state, last?.comparison?.verdict], ['ready', 'equal'])
    assert.match((await kappa(0, 'replays', 'flights-3')).stdout, /equal/)
    assert.equal((await json<ReplayStatus>('cancel', 'flights-3')).state, 'cancelled')
  })

  test('rolled back, and what it was is retired', async () => {
    const would = await json<SwitchOutcome>('rollback', application, '--dry-run')
    assert.deepEqual([would.to, would.done, would.allowed], [1, false, true])
    const outcome = await json<SwitchOutcome>('rollback', application)
    assert.deepEqual([outcome.from, outcome.to, outcome.done], [2, 1, true])
    assert.match((await kappa(1, 'retire', 'flights-1')).stderr, /cannot be retired/)
    assert.equal((await json<ReleaseStatus>('retire', 'flights-2')).state, 'retired')
    assert.deepEqual(await json<object[]>('orphans'), [])
    assert.match((await kappa(1, 'rollback', application)).stderr, /cannot be rolled back/)
  })

  test('calls that are wrong, and a service that is not there', async () => {
    await kappa(2, 'replay', application, '--promote', 'perhaps')
    await kappa(2, 'diff', 'fligths')
    await kappa(2, 'promote', 'flights-99')
    const nobody = await runKappa(['applications', '--url', 'http://127.0.0.1:9'])
    assert.equal(nobody.code, 3)
  })

  test('P4: a reader has seen no error and nothing older; the rows are right', async () => {
    const { problems, releases } = await reader.stop()
    assert.deepEqual(problems, [])
    assert.deepEqual(releases, [1, 2, 1])
    await flights.assertRows()
  })

  async function kappa(code: number, ...args: string[]): Promise<Finished> {
    const env = { KAPPA_REPLAY_URL: flights.platform.replay.url }
    const finished = await runKappa(args, { env })
    assert.equal(finished.code, code, `${args.join(' ')}: ${finished.stderr}${finished.stdout}`)
    return finished
  }

  async function json<T>(...args: string[]): Promise<T> {
    return JSON.parse((await kappa(0, ...args, '--json')).stdout)
  }

  async function jsonLines(code: number, ...args: string[]): Promise<ReplayStatus[]> {
    const { stdout } = await kappa(code, ...args, '--json')
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  }
})
