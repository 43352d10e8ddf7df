import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { flightEvents } from '@kappa/flights/sample/events'
import { type ActualRow, compareRows } from '../compare.ts'
import type { Row } from '../database.ts'
import { openFlights } from '../flights.ts'

// The application's events and the oracle's tables come from the same CSV by other rules and tools.
describe('the events of the example application', () => {
  const published: Record<string, ActualRow[]> = { departures: [], arrivals: [] }
  const expected: Record<string, Row[]> = {}
  let summary: Row = {}

  before(async () => {
    for await (const { topic, event } of flightEvents()) {
      const times = Object.entries(event)
        .filter(([field]) => field.endsWith('_at'))
        .map(([field, time]) => [field, String(time).replace('Z', '000Z')])
      published[topic.replace('flights.', '')]?.push({ ...event, ...Object.fromEntries(times) })
    }
    using database = await openFlights()
    for (const table of Object.keys(published)) {
      expected[table] = (await database.query(`SELECT * FROM ${table}`)).rows
    }
    const { rows } = await database.query(`
      SELECT count(*) AS flights,
        count(*) FILTER (dep_time IS NULL) AS cancelled,
        count(*) FILTER (dep_time IS NOT NULL AND arr_delay IS NULL) AS diverted
      FROM flights_csv()`)
    summary = rows[0] ?? {}
  })

  test('come from 27,004 flights, of which 521 never left and 85 did not land as planned', () => {
    assert.deepEqual(summary, { flights: 27_004, cancelled: 521, diverted: 85 })
    assert.equal(expected.departures?.length, 27_004 - 521)
    assert.equal(expected.arrivals?.length, 27_004 - 521 - 85)
  })

  for (const table of Object.keys(published)) {
    test(`${table} are those of the oracle, field by field`, () => {
      const rows = expected[table] ?? []
      const comparison = compareRows(
        { rows, key: ['event_id'], doubles: new Set() },
        published[table] ?? [],
      )
      assert.deepEqual(comparison, {
        equal: rows.length,
        missing: 0,
        extra: 0,
        different: 0,
        samples: { missing: [], extra: [], different: [] },
      })
    })
  }
})
