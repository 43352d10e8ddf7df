import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { assertSameRows } from '../oracle/compare.ts'
import { type ExpectedView, expectedViews } from '../oracle/flights.ts'
import { assertQueriesAgree } from '../oracle/view-queries.ts'
import { copyFlights, type FlightsCopy } from '../platform/flights-copy.ts'
import { Platform } from '../platform/platform.ts'
import { type Publication, publishImport, sampleEvents } from '../platform/publish.ts'
import { flushRedis } from '../platform/redis.ts'
import { shuffleWithin } from '../platform/shuffle.ts'
import { waitFor } from '../platform/wait.ts'
import { testStack } from '../stack.ts'

const seed = Number(process.env.KAPPA_TEST_SEED ?? 20130131)

/** Real flights through the whole platform; every row of every view against DuckDB over the CSV. */
describe('flights from HTTP to HTTP', { concurrency: 1 }, () => {
  let events: Publication[] = []
  let expected: ExpectedView[] = []

  before(async () => {
    events = await sampleEvents()
    expected = await expectedViews()
  })

  async function startFlights(
    namespace: string,
    redisDatabase: number,
    options: { importDisorderMax?: string } = {},
  ) {
    const folder = join(testStack().stateFolder, `${namespace}-files`)
    const copy = copyFlights(folder, namespace, options)
    const platform = await Platform.start({ namespace, redisDatabase, ...copy })
    return { copy, platform }
  }

  async function assertEqualToOracle(platform: Platform): Promise<void> {
    const names = expected.map(({ name }) => name)
    await platform.untilCurrent('flights', names)
    for (const view of expected) {
      assertSameRows(view.name, view, await platform.allRows('flights', view.name))
    }
    for (const view of (await platform.releaseStatus('flights')).views) {
      assert.equal(view.rows_dropped_by_watermark, 0, `${view.view} dropped rows`)
      assert.equal(view.position.complete, true)
    }
  }

  function publish(
    platform: Platform,
    copy: FlightsCopy,
    publications: Publication[],
    disorder?: string,
  ) {
    const options = { topic: copy.topic, ...(disorder === undefined ? {} : { disorder }) }
    return publishImport(platform.ingest.url, publications, options)
  }

  test('P2, P5: a plain run, then Redis flushed: every view equals the oracle', async () => {
    const { platform, copy } = await startFlights('e2e-plain', 1)
    try {
      await platform.untilLive('flights')
      assert.equal(await publish(platform, copy, events), events.length)
      await assertEqualToOracle(platform)
      await assertQueriesAgree(platform.results.url, 'flights', { queries: 80, seed })
      await flushRedis(platform.redisUrl)
      await assertEqualToOracle(platform)
    } finally {
      await platform.stop()
    }
  })

  test('P2: every event sent twice and in shuffled order counts once', async () => {
    // A day holds several requests: most doubles are for the views to find, not for ingest.
    const { platform, copy } = await startFlights('e2e-twice', 2, { importDisorderMax: '1 day' })
    try {
      await platform.untilLive('flights')
      const shuffled = shuffleWithin(events, { windowMs: 86_000_000, copies: 2, seed })
      assert.equal(await publish(platform, copy, shuffled, '1 day'), events.length * 2)
      await assertEqualToOracle(platform)
    } finally {
      await platform.stop()
    }
  })

  test('P2, P8: Spark and then results killed in the middle: every view equals the oracle', async () => {
    const { platform, copy } = await startFlights('e2e-killed', 3)
    try {
      await platform.untilLive('flights')
      const third = Math.floor(events.length / 3)
      await publish(platform, copy, events.slice(0, third))
      await waitFor(
        'a first batch with events',
        async () => {
          const { views } = await platform.releaseStatus('flights')
          return views.some(({ lag_events }) => (lag_events ?? third) < third / 2)
            ? true
            : undefined
        },
        180_000,
      )
      process.kill(platform.sparkPid('flights', 1), 'SIGKILL')
      await publish(platform, copy, events.slice(third, 2 * third))
      await platform.results.kill()
      await publish(platform, copy, events.slice(2 * third))
      platform.results = await platform.startService('results')
      await assertEqualToOracle(platform)
      assert.equal((await platform.releaseStatus('flights')).cluster?.starts, 2)
    } finally {
      await platform.stop()
    }
  })
})
