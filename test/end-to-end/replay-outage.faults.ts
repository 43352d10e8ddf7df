import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FlightsCase } from '../replays/flights-case.ts'
import { readAllTheTime } from '../replays/replays.ts'

const application = 'flights'
const eventsPerBatchMax = 300

test('P2: after an outage of days, skewed partitions are caught up in bounded batches: nothing is dropped', async () => {
  const flights = await FlightsCase.start({
    namespace: 'faults-outage',
    redisDatabase: 6,
    views: ['carrier_hours', 'turnarounds', 'aircraft_places'],
    days: 4,
    disorderMs: 50 * 60_000,
    environment: { KAPPA_CATCH_UP_EVENTS_PER_BATCH_MAX: String(eventsPerBatchMax) },
    // A few large airlines: their partitions hold many times what the others do.
    key: 'carrier',
  })
  try {
    await flights.publishUpTo(0.05)
    await flights.untilCurrent()
    const reader = readAllTheTime(flights.platform, application, 'carrier_hours', 100)
    const before = await flights.platform.releaseStatus(application)
    await flights.platform.replay.stop()
    const published = flights.published
    await flights.publishUpTo(0.9)
    const missed = flights.published - published
    flights.platform.replay = await flights.platform.startService('replay')
    const load = flights.publishSteadily(10)
    await flights.untilCurrent()
    await load.stop()
    const after = await flights.platform.releaseStatus(application)
    assert.equal(after.release, before.release)
    for (const { view, position, rows_dropped_by_watermark } of after.views) {
      assert.equal(rows_dropped_by_watermark, 0, view)
      assert.equal(position.complete, true, view)
      assert.equal(position.late_events, 0, view)
      const earlier = before.views.find((each) => each.view === view)?.position.batch ?? 0
      // A view of departures alone has half of them to read.
      const batchesMin = Math.floor(missed / (view === 'carrier_hours' ? 2 : 1) / eventsPerBatchMax)
      const batches = position.batch - earlier
      assert.ok(batches >= 0.9 * batchesMin, `${view}: ${batches} batches, not ${batchesMin}`)
    }
    const { problems } = await reader.stop()
    assert.deepEqual(problems, [])
    await flights.assertRows()

    // A replay of the same log, in other batches, gives the same rows.
    const { id } = await flights.replays.create({ application, promote: 'if-equal' })
    const live = await flights.replays.until(id, ['live'])
    assert.equal(live.comparison?.verdict, 'equal')
    await flights.assertRows()
  } finally {
    await flights.stop()
  }
})
