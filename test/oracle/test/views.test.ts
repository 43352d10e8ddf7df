import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Row } from '../database.ts'
import { type ExpectedView, expectedView, expectedViews, type ViewName } from '../flights.ts'

const total = (rows: readonly Row[], column: string) =>
  rows.reduce((sum, row) => sum + Number(row[column]), 0)

describe('the oracle over January 2013', () => {
  const views = new Map<ViewName, ExpectedView>()
  const rows = (name: ViewName) => views.get(name)?.rows ?? []

  before(async () => {
    for (const view of await expectedViews()) views.set(view.name, view)
  })

  test('gives each view its rows, unique by key', () => {
    const counts = [...views.values()].map((view) => [view.name, view.rows.length])
    assert.deepEqual(Object.fromEntries(counts), {
      carrier_hours: 5_413,
      route_delays: 49_222,
      aircraft_places: 3_141,
      carrier_days: 461,
      turnarounds: 9_537,
    })
    for (const { name, key, rows } of views.values()) {
      const keys = new Set(rows.map((row) => JSON.stringify(key.map((column) => row[column]))))
      assert.equal(keys.size, rows.length, `rows of ${name} share keys`)
    }
  })

  test('counts every event once, or once for each sliding window', () => {
    assert.equal(total(rows('carrier_hours'), 'departures'), 26_483)
    assert.equal(total(rows('carrier_days'), 'departures'), 26_483)
    assert.equal(total(rows('route_delays'), 'arrivals'), 3 * 26_398)
    assert.equal(total(rows('aircraft_places'), 'sightings'), 26_483 + 26_398)
  })

  test('finds the same delays by hour and by day', () => {
    for (const column of ['delayed', 'delay_minutes_sum']) {
      assert.equal(total(rows('carrier_hours'), column), total(rows('carrier_days'), column))
    }
  })
})

// The first and last lines are real: an aircraft that lands in Houston, leaves New York seven hours later,
// and again twelve hours and one minute after its landing; a cancelled flight.
const LINES = `year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour
2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z
2013,1,1,1630,1600,30,1740,1705,35,UA,2,N14228,EWR,BOS,40,200,16,0,2013-01-01T21:00:00Z
2013,1,1,2130,2130,0,2240,2240,0,UA,3,N14228,LGA,BOS,40,184,21,30,2013-01-02T02:00:00Z
2013,1,1,2131,2130,1,2241,2240,1,UA,4,N14228,JFK,BOS,40,187,21,30,2013-01-02T02:00:00Z
2013,1,1,NA,1630,NA,NA,1815,NA,EV,4308,N18120,EWR,RDU,NA,416,16,30,2013-01-01T21:00:00Z
`

describe('the oracle over flights worked out by hand', () => {
  let folder = ''
  let csvPath = ''

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oracle-'))
    csvPath = join(folder, 'flights.csv')
    await writeFile(csvPath, LINES)
  })
  after(() => rm(folder, { recursive: true }))

  test('carrier_hours: two flights in one hour', async () => {
    const { rows } = await expectedView('carrier_hours', { csvPath })
    assert.deepEqual(
      rows.find((row) => row.hour === '2013-01-02T02:00:00.000000Z'),
      {
        carrier: 'UA',
        hour: '2013-01-02T02:00:00.000000Z',
        departures: 2,
        delayed: 0,
        delay_minutes_sum: 1,
        delay_minutes_min: 0,
        delay_minutes_max: 1,
        delay_minutes_avg: 0.5,
      },
    )
    assert.equal(rows.length, 3)
  })

  test('route_delays: an arrival counts in the windows that begin up to two hours before', async () => {
    const { rows } = await expectedView('route_delays', { csvPath })
    // 08:30 in Houston is 14:30 UTC
    assert.deepEqual(
      rows
        .filter((row) => row.destination === 'IAH')
        .map((row) => `${row.window_start} to ${row.window_end}`)
        .sort(),
      [
        '2013-01-01T12:00:00.000000Z to 2013-01-01T15:00:00.000000Z',
        '2013-01-01T13:00:00.000000Z to 2013-01-01T16:00:00.000000Z',
        '2013-01-01T14:00:00.000000Z to 2013-01-01T17:00:00.000000Z',
      ],
    )
  })

  test('aircraft_places: the last of all events of the aircraft', async () => {
    const { rows } = await expectedView('aircraft_places', { csvPath })
    assert.deepEqual(rows, [
      {
        tail_number: 'N14228',
        movement: 'arrived',
        airport: 'BOS',
        airport_name: 'General Edward Lawrence Logan Intl',
        lat: 42.364347,
        lon: -71.005181,
        carrier: 'UA',
        flight: 4,
        seen_at: '2013-01-02T03:41:00.000000Z',
        sightings: 8,
      },
    ])
  })

  test('carrier_days: the day begins at midnight of New York, seats are those of the aircraft', async () => {
    const { rows } = await expectedView('carrier_days', { csvPath })
    // planes.csv: N14228 is a Boeing 737-824 with 149 seats
    assert.deepEqual(rows, [
      {
        carrier: 'UA',
        day: '2013-01-01T05:00:00.000000Z',
        airline: 'United Air Lines Inc.',
        departures: 4,
        delayed: 1,
        delay_minutes_sum: 33,
        delay_minutes_max: 30,
        delay_minutes_avg: 8.25,
        miles: 1_971,
        departures_with_seats: 4,
        seats: 596,
        seat_miles: 293_679,
      },
    ])
  })

  test('turnarounds: departures up to twelve hours after the landing', async () => {
    const { rows } = await expectedView('turnarounds', { csvPath })
    const fromHouston = rows.filter((row) => row.landed_at_airport === 'IAH')
    // Landed 14:30 UTC: 21:30 is 7 hours later, 02:30 exactly 12 hours, 02:31 one minute too late
    assert.deepEqual(fromHouston.map((row) => [row.departure_id, row.minutes_between]).sort(), [
      ['2013-01-01-UA2-EWR-dep', 420],
      ['2013-01-01-UA3-LGA-dep', 720],
    ])
  })

  test('copies count as events of their own', async () => {
    const { rows } = await expectedView('carrier_days', { csvPath, copies: 3 })
    assert.equal(rows[0]?.departures, 12)
    assert.equal(rows[0]?.seats, 3 * 596)
  })

  test('only events that were published count', async () => {
    const eventIds = new Set(['2013-01-01-UA1545-EWR-dep', '2013-01-01-UA2-EWR-arr'])
    const [days, routes] = await expectedViews(['carrier_days', 'route_delays'], {
      csvPath,
      eventIds,
    })
    assert.deepEqual([days?.rows.length, days?.rows[0]?.departures], [1, 1])
    assert.deepEqual(
      routes?.rows.map((row) => [row.destination, row.arrivals]),
      Array.from({ length: 3 }, () => ['BOS', 1]),
    )
  })
})
