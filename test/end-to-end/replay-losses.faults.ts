import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { flushRedis } from '../platform/redis.ts'
import { waitFor } from '../platform/wait.ts'
import { FlightsCase } from '../replays/flights-case.ts'
import { RefusedError, readAllTheTime } from '../replays/replays.ts'

const application = 'flights'
const views = ['carrier_hours', 'turnarounds'] as const

describe('P2, P4, P5, P7: what a replay needs is lost on the way', { concurrency: 1 }, () => {
  let flights: FlightsCase
  let load: { stop(): Promise<void> } | undefined

  before(async () => {
    flights = await FlightsCase.start({
      namespace: 'faults-killed',
      redisDatabase: 5,
      views,
      days: 4,
      environment: { KAPPA_CATCH_UP_EVENTS_PER_BATCH_MAX: '250', KAPPA_STANDBY_MS: '600000' },
    })
    await flights.publishUpTo(0.6)
    await flights.untilCurrent()
    load = flights.publishSteadily(5)
  })
  after(async () => {
    await load?.stop()
    await flights?.stop()
  })

  test('its Spark, at 10, 50 and 90 %, and right at the switch: the rows are right', async () => {
    const readers = readEveryView()
    const { replays, platform } = flights
    const { id, release } = await replays.create({ application, events_per_second_max: 250 })
    let killed = 0
    for (const percent of [10, 50, 90]) {
      await replays.when(
        id,
        ({ state, progress }) => state === 'catching_up' && (progress?.percent ?? 0) >= percent,
      )
      killed = await killSpark(release, killed)
    }
    const ready = await replays.until(id, ['ready'])
    assert.equal(ready.comparison?.verdict, 'equal')
    // The cluster dies while the switch is on its way: it comes about, or nothing has changed.
    const pid = platform.sparkPid(application, release)
    const switching = replays.promote(id).catch((error: unknown) => error)
    process.kill(pid, 'SIGKILL')
    const outcome = await switching
    const { release: live } = await platform.releaseStatus(application)
    if (outcome instanceof Error) {
      assert.ok(outcome instanceof RefusedError && outcome.code === 'not_caught_up', `${outcome}`)
      assert.equal(live, 1)
    } else assert.equal(live, release)
    await waitFor(
      'the new release being live',
      async () => (await replays.promote(id)).done || undefined,
      180_000,
    )
    for (const { problems, releases } of await reportsOf(readers, release)) {
      assert.deepEqual(problems, [])
      assert.deepEqual(releases, [1, release])
    }
    await flights.untilCurrent()
  })

  test('its Spark, right after the switch: the rows are right', async () => {
    const readers = readEveryView()
    const { replays, platform } = flights
    const { id, release } = await replays.create({ application, promote: 'if-equal' })
    await replays.until(id, ['live'])
    process.kill(platform.sparkPid(application, release), 'SIGKILL')
    await flights.untilCurrent()
    for (const { problems, releases } of await reportsOf(readers, release)) {
      assert.deepEqual(problems, [])
      assert.deepEqual(releases, [2, release])
    }
  })

  test('everything in Redis: no answer is wrong, and the replay goes on', async () => {
    const readers = readEveryView()
    const { replays, platform } = flights
    const { id, release } = await replays.create({ application, events_per_second_max: 250 })
    await replays.when(id, ({ progress }) => (progress?.percent ?? 0) >= 40)
    await flushRedis(platform.redisUrl)
    const ready = await replays.until(id, ['ready'])
    assert.equal(ready.comparison?.verdict, 'equal')
    await waitFor(
      'the new release being live',
      async () => (await replays.promote(id)).done || undefined,
      120_000,
    )
    for (const { problems, releases } of await reportsOf(readers, release)) {
      // While rows are loaded again, readers are told so.
      assert.deepEqual(
        problems.filter((problem) => !problem.startsWith('503')),
        [],
      )
      assert.deepEqual(releases, [3, release])
    }
  })

  test('P2: everything published, the rows equal the oracle, and rolled back as well', async () => {
    await load?.stop()
    load = undefined
    await flights.assertRows()
    assert.equal((await flights.replays.rollBack(application)).done, true)
    await flights.assertRows()
  })

  function readEveryView() {
    return views.map((view) => readAllTheTime(flights.platform, application, view, 50))
  }

  /** Once every reader has had an answer of the release. */
  async function reportsOf(readers: ReturnType<typeof readEveryView>, release: number) {
    try {
      for (const reader of readers) await reader.untilSees(release, 60_000)
    } finally {
      await Promise.all(readers.map((reader) => reader.stop()))
    }
    return Promise.all(readers.map((reader) => reader.stop()))
  }

  /** Its Spark of now; the one that was killed before is not meant. */
  async function killSpark(release: number, before: number): Promise<number> {
    const pid = await waitFor(
      'Spark running',
      async () => {
        const now = flights.platform.sparkPid(application, release)
        return now === before ? undefined : now
      },
      60_000,
    )
    process.kill(pid, 'SIGKILL')
    return pid
  }
})
