import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { getJson, type ReleaseStatus } from '../platform/platform-client.ts'
import { waitFor } from '../platform/wait.ts'
import { FlightsCase } from '../replays/flights-case.ts'
import { isAlive } from '../replays/remains.ts'
import { type ReaderReport, readAllTheTime } from '../replays/replays.ts'

const namespace = 'faults-rollback'
const application = 'flights'

describe('P2, P4: rolled back to a release that was stopped', { concurrency: 1 }, () => {
  let flights: FlightsCase

  before(async () => {
    flights = await FlightsCase.start({
      namespace,
      redisDatabase: 2,
      views: ['carrier_hours', 'turnarounds'],
      days: 3,
      environment: { KAPPA_CATCH_UP_EVENTS_PER_BATCH_MAX: '500', KAPPA_STANDBY_MS: '1000' },
    })
    await flights.publishUpTo(0.4)
    await flights.untilCurrent()
  })
  after(() => flights?.stop())

  test('the first release: it starts from its checkpoints, catches up, and only then is live', async () => {
    await replacedAndBack({ old: 1, replayed: 2, publishedUpTo: 0.7 })
  })

  test('a release that a replay has built: the same', async () => {
    const last = await replacedAndBack({ old: 1, replayed: 3, publishedUpTo: 0.9 })
    // From 1 on to 3, which is retained by now.
    await untilStopped(3)
    await flights.publishUpTo(0.95)
    await rolledBack(3)
    assertFromCheckpoint(last, await release(3))
    assert.equal((await until(1, 'standby', 'retained')).cause, null)
    await flights.assertRows()
  })

  /** @returns the release that a replay has built and that is not live any more, as it was last */
  async function replacedAndBack(what: {
    old: number
    replayed: number
    publishedUpTo: number
  }): Promise<ReleaseStatus> {
    const { old, replayed, publishedUpTo } = what
    // Of a release without a cluster nothing of its views is told.
    const before = await release(old)
    const pid = flights.platform.sparkPid(application, old)
    const readers = flights.views.map((view) =>
      readAllTheTime(flights.platform, application, view, 50),
    )
    const { id, release: number } = await flights.replays.create({ application, promote: 'always' })
    assert.equal(number, replayed)
    await flights.replays.until(id, ['live'])
    await untilStopped(old)
    assert.equal(isAlive(pid), false)
    await flights.publishUpTo(publishedUpTo)
    await flights.untilCurrent()
    const replaced = await release(replayed)
    await rolledBack(old)
    assertFromCheckpoint(before, await release(old))
    await until(replayed, 'standby', 'retained')
    await flights.untilCurrent()
    for (const reader of readers) assertUndisturbed(await reader.stop(), [old, replayed, old])
    return replaced
  }

  async function rolledBack(to: number): Promise<void> {
    const outcome = await flights.replays.rollBack(application, { to })
    assert.deepEqual([outcome.to, outcome.allowed, outcome.done], [to, true, false])
    assert.match(outcome.reason ?? '', /started from its checkpoints and catches up first/)
    await until(to, 'live')
    const answer = (await getJson(
      `${flights.platform.replay.url}/v1/applications/${application}`,
    )) as { releases: { release: number; state: string }[] }
    const live = answer.releases.filter(({ state }) => state === 'live')
    assert.deepEqual(
      live.map((each) => each.release),
      [to],
    )
  }

  function release(number: number): Promise<ReleaseStatus> {
    const url = `${flights.platform.replay.url}/v1/releases/${application}/${number}`
    return getJson(url) as Promise<ReleaseStatus>
  }

  function until(number: number, ...states: string[]): Promise<ReleaseStatus> {
    return waitFor(
      `release ${number} being ${states.join(' or ')}`,
      async () => {
        const status = await release(number)
        return states.includes(status.state) ? status : undefined
      },
      180_000,
    )
  }

  async function untilStopped(number: number): Promise<void> {
    await waitFor(
      `release ${number} being retained, without a cluster`,
      async () => {
        const { state, cluster } = await release(number)
        return state === 'retained' && cluster === null ? true : undefined
      },
      120_000,
    )
  }
})

/** Its batches go on being counted where they were, and some were needed. */
function assertFromCheckpoint(before: ReleaseStatus, after: ReleaseStatus): void {
  for (const { view, position } of after.views) {
    const earlier = before.views.find((each) => each.view === view)?.position
    assert.ok(earlier && earlier.batch >= 0, `${view} was at a batch when it was stopped`)
    assert.ok(position.batch > earlier.batch, `${view}: ${earlier.batch} to ${position.batch}`)
    assert.equal(position.complete, true)
  }
}

function assertUndisturbed(report: ReaderReport, releases: readonly number[]): void {
  assert.deepEqual(report.problems, [])
  assert.deepEqual(report.releases, releases)
}
