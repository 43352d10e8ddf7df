import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ReplayStatus } from '@kappa/replay/replays/replay-schemas'
import { getJson } from '../platform/platform-client.ts'
import { waitFor } from '../platform/wait.ts'
import { FlightsCase } from '../replays/flights-case.ts'
import { isAlive, remainsOf } from '../replays/remains.ts'
import { readAllTheTime } from '../replays/replays.ts'
import { until } from '../until.ts'

const namespace = 'faults-operations'
const application = 'flights'
const goneTimeoutMs = 120_000

describe('P7, P8: a replay that fails, is paused, or is cancelled', { concurrency: 1 }, () => {
  let flights: FlightsCase
  let readers: ReturnType<typeof readAllTheTime>[]

  before(async () => {
    flights = await FlightsCase.start({
      namespace,
      redisDatabase: 1,
      views: ['carrier_hours', 'turnarounds'],
      days: 3,
      environment: {
        KAPPA_CATCH_UP_EVENTS_PER_BATCH_MAX: '400',
        KAPPA_REPLAYS_AT_ONCE_MAX: '1',
        KAPPA_FAILURES_MAX: '2',
      },
    })
    await flights.publishUpTo(0.6)
    await flights.untilCurrent()
    readers = flights.views.map((view) => readAllTheTime(flights.platform, application, view, 50))
  })
  after(async () => {
    await Promise.all((readers ?? []).map((reader) => reader.stop()))
    await flights?.stop()
  })

  test('SQL that fails only at run time: FAILED with the cause that Spark gives, live untouched', async () => {
    const { copy, replays, platform } = flights
    const live = await platform.releaseStatus(application)
    const file = 'views/carrier_hours.sql'
    const sql = readFileSync(join(copy.applicationsFolder, application, file), 'utf8')
    copy.write(file, sql.replace('count(*) AS', 'sum(60 / delay_minutes) AS rate,\n  count(*) AS'))
    const { id, release } = await replays.create({ application })
    copy.write(file, sql)
    const failed = await replays.until(id, ['failed'])
    assert.match(failed.cause ?? '', /View carrier_hours failed 2 times.*division by zero/i)
    await untilNoCluster(release)
    const now = await platform.releaseStatus(application)
    assert.deepEqual(
      [now.release, now.state, now.cluster?.starts],
      [live.release, 'live', live.cluster?.starts],
    )
    // Tried again it fails again: nothing of it was mended.
    await replays.resume(id)
    await replays.when(id, ({ state }) => state !== 'failed')
    const again = (await replays.until(id, ['failed'])).cause ?? ''
    assert.match(again, /View carrier_hours .*division by zero/i)
    await cancelled(id, release)
  })

  test('L4: paused, its cluster is gone; resumed, it goes on from its checkpoints', async () => {
    const { replays, platform } = flights
    const { id, release } = await replays.create({ application, events_per_second_max: 150 })
    const running = await replays.when(id, reads(400))
    const pid = platform.sparkPid(application, release)
    assert.equal((await replays.pause(id)).state, 'paused')
    await untilNoCluster(release)
    assert.equal(isAlive(pid), false)
    await assert.rejects(replays.promote(id), /wrong_state/)
    assert.equal((await replays.pause(id)).state, 'paused')
    await flights.publishUpTo(0.8)
    await flights.untilCurrent()
    await replays.resume(id)
    const resumed = await replays.when(id, ({ state }) => state === 'catching_up')
    const batches = [running, resumed].map(({ progress }) => progress?.batches ?? 0)
    assert.ok((batches[1] ?? 0) >= (batches[0] ?? 0), `it goes on where it was: ${batches}`)
    assert.equal(resumed.progress?.rows_dropped_by_watermark, 0)
    const ready = await replays.until(id, ['ready'])
    assert.equal(ready.comparison?.verdict, 'equal')
    assert.equal((await replays.promote(id)).done, true)
    await flights.assertRows()
  })

  test('cancelled while it waits for its turn, or runs', async () => {
    const { replays } = flights
    const first = await replays.create({ application, events_per_second_max: 50 })
    await replays.when(first.id, ({ state }) => state === 'catching_up')
    const second = await replays.create({ application })
    await replays.when(second.id, ({ state }) => state === 'requested')
    await cancelled(second.id, second.release)
    await replays.when(first.id, reads(1))
    await cancelled(first.id, first.release)
  })

  for (const state of ['checked', 'starting', 'comparing', 'ready'] as const) {
    test(`cancelled as soon as it is ${state}`, async () => {
      const { id, release } = await flights.replays.create({ application })
      await flights.replays.when(id, (status) => status.state === state)
      await cancelled(id, release)
    })
  }

  test('cancelled while it is paused', async () => {
    const { replays } = flights
    const { id, release } = await replays.create({ application, events_per_second_max: 150 })
    await replays.when(id, reads(1))
    await replays.pause(id)
    await cancelled(id, release)
  })

  test('P4: readers have noticed nothing, and their rows are right', async () => {
    const reports = await Promise.all(readers.splice(0).map((reader) => reader.stop()))
    for (const { problems, answers, releases } of reports) {
      assert.deepEqual(problems, [])
      assert.ok(answers > 100)
      assert.deepEqual(releases, [1, 3])
    }
    await flights.assertRows()
  })

  /** Nothing is left of it but its record. */
  async function cancelled(id: string, release: number): Promise<void> {
    const { replays, platform } = flights
    assert.equal((await replays.cancel(id)).state, 'cancelled')
    const remains = () => remainsOf(platform, namespace, release)
    await until(remains, (found) => found.length === 0, goneTimeoutMs)
    const orphans = () => getJson(`${platform.replay.url}/v1/orphans`) as Promise<Orphans>
    assert.deepEqual((await orphans()).orphans, [])
    assert.equal((await replays.get(id)).state, 'cancelled')
    await assert.rejects(replays.resume(id), /wrong_state/)
  }

  function untilNoCluster(release: number): Promise<unknown> {
    return waitFor(
      `the cluster of release ${release} being gone`,
      async () => {
        const url = `${flights.platform.replay.url}/v1/releases/${application}/${release}`
        const status = (await getJson(url)) as { cluster: object | null }
        return status.cluster === null ? true : undefined
      },
      60_000,
    )
  }
})

interface Orphans {
  readonly orphans: readonly object[]
}

function reads(events: number): (status: ReplayStatus) => boolean {
  return (status) => status.state === 'catching_up' && reached(status) >= events
}

function reached({ progress }: ReplayStatus): number {
  return progress?.events_read ?? 0
}
