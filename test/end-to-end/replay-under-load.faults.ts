import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { assertSameRows } from '../oracle/compare.ts'
import { expectedView } from '../oracle/flights.ts'
import { copyFlights, type FlightsCopy, keepViews } from '../platform/flights-copy.ts'
import { Platform } from '../platform/platform.ts'
import { publishImport, sampleEvents } from '../platform/publish.ts'
import { Replays, readAllTheTime } from '../replays/replays.ts'
import { importSteadily } from '../replays/steady-import.ts'
import { testStack } from '../stack.ts'

const namespace = 'e2e-under-load'
const views = ['carrier_hours', 'turnarounds'] as const
const atFirst = 12_000

describe('P2, P4, P7: a view is changed, replayed, compared, switched and rolled back under load', {
  concurrency: 1,
}, () => {
  let platform: Platform
  let copy: FlightsCopy
  let replays: Replays
  let load: ReturnType<typeof importSteadily>

  before(async () => {
    copy = copyFlights(join(testStack().stateFolder, `${namespace}-files`), namespace)
    keepViews(copy, views)
    const environment = {
      KAPPA_CATCH_UP_EVENTS_PER_BATCH_MAX: '4000',
      KAPPA_STANDBY_MS: '600000',
    }
    platform = await Platform.start({ namespace, redisDatabase: 9, ...copy, environment })
    replays = new Replays(platform)
    await platform.untilLive('flights')
    const events = await sampleEvents()
    await publishImport(platform.ingest.url, events.slice(0, atFirst), copy)
    await platform.untilCurrent('flights', views)
    load = importSteadily(() => platform.ingest.url, events.slice(atFirst), {
      topic: copy.topic,
      eventsPerSecond: 10,
    })
  })
  after(async () => {
    await load?.stop()
    await platform?.stop()
  })

  test('unchanged: it compares equal and is promoted by if-equal', async () => {
    const readers = views.map((view) => readAllTheTime(platform, 'flights', view, 50))
    const { id, plan } = await replays.create({ application: 'flights', promote: 'if-equal' })
    assert.equal(id, 'flights-2')
    assert.ok((plan?.events ?? 0) >= atFirst)
    const status = await replays.until(id, ['live'])
    assert.equal(status.comparison?.verdict, 'equal')
    for (const view of status.comparison?.views ?? []) {
      assert.ok(view.equal > 0, `${view.view} has ${view.equal} equal rows`)
      assert.equal(view.unexplained + view.unsettled, 0)
    }
    await platform.untilCurrent('flights', views)
    for (const reader of readers) {
      const report = await reader.stop()
      assert.deepEqual(report.problems, [])
      assert.deepEqual(report.releases, [1, 2])
    }
  })

  test('changed SQL: exactly the rows differ that change, and promoted they are right', async () => {
    const file = join(copy.applicationsFolder, 'flights', 'views', 'carrier_hours.sql')
    const fixed = readFileSync(file, 'utf8').replace('window(departed_at', 'window(scheduled_at')
    copy.write('views/carrier_hours.sql', fixed)
    const { id } = await replays.create({ application: 'flights', promote: 'if-equal' })
    const ready = await replays.until(id, ['ready'])
    assert.equal(ready.comparison?.verdict, 'different')
    const changed = ready.comparison?.views.find(({ view }) => view === 'carrier_hours')
    assert.ok((changed?.unexplained ?? 0) > 0)
    for (const view of ready.comparison?.views ?? []) {
      if (view.view !== 'carrier_hours') assert.equal(view.verdict, 'equal', view.view)
    }
    await assert.rejects(replays.promote(id), /rows_differ/)
    const outcome = await replays.promote(id, { force: true })
    assert.equal(outcome.done, true)
    console.log('  frozen', outcome.frozen_ms, 'ms')
  })

  test('everything published: the new rows and, rolled back, the old ones equal the oracle', async () => {
    await load.stop()
    const events = await sampleEvents()
    const rest = events.slice(atFirst + load.published())
    await publishImport(platform.ingest.url, rest, copy)
    await platform.untilCurrent('flights', views)
    const names = ['carrier_hours_scheduled', 'turnarounds'] as const
    for (const [index, name] of names.entries()) {
      const view = views[index] as string
      assertSameRows(view, await expectedView(name), await platform.allRows('flights', view))
    }
    const outcome = await replays.rollBack('flights')
    assert.deepEqual([outcome.from, outcome.to, outcome.done], [3, 2, true])
    await platform.untilCurrent('flights', views)
    for (const view of views) {
      assertSameRows(view, await expectedView(view), await platform.allRows('flights', view))
    }
  })
})
