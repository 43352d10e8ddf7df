import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countFlightEvents, flightEvents } from '../sample/events.ts'
import { eventsOfLines, eventTime } from './flights-file.ts'

// The lines are of the real flights.csv, the expected times worked out by hand from their clocks.

test('a flight is a departure and an arrival with all that the contracts have', async () => {
  const events = await eventsOfLines(
    '2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z',
  )

  const shared = {
    carrier: 'UA',
    flight: 1545,
    tail_number: 'N14228',
    origin: 'EWR',
    destination: 'IAH',
    distance_miles: 1400,
  }
  assert.deepEqual(events, [
    {
      topic: 'flights.departures',
      event: {
        ...shared,
        event_id: '2013-01-01-UA1545-EWR-dep',
        scheduled_at: '2013-01-01T10:15:00.000Z',
        departed_at: '2013-01-01T10:17:00.000Z',
        delay_minutes: 2,
      },
    },
    {
      topic: 'flights.arrivals',
      event: {
        ...shared,
        event_id: '2013-01-01-UA1545-EWR-arr',
        // Houston is on Central Standard Time, UTC-6
        scheduled_at: '2013-01-01T14:19:00.000Z',
        arrived_at: '2013-01-01T14:30:00.000Z',
        delay_minutes: 11,
        air_time_minutes: 227,
      },
    },
  ])
})

test('a flight scheduled before midnight that leaves after it departs on the next day', async () => {
  const [departure, arrival] = await eventsOfLines(
    '2013,1,2,42,2359,43,518,442,36,B6,707,N580JB,JFK,SJU,189,1598,23,59,2013-01-03T04:00:00Z',
  )

  assert.equal(departure?.event.event_id, '2013-01-02-B6707-JFK-dep')
  assert.ok(departure.topic === 'flights.departures')
  assert.equal(departure.event.departed_at, '2013-01-03T05:42:00.000Z')
  // San Juan is absent from airports.csv: Atlantic Standard Time, UTC-4
  assert.ok(arrival?.topic === 'flights.arrivals')
  assert.equal(arrival.event.arrived_at, '2013-01-03T09:18:00.000Z')
})

test('a flight that leaves before midnight lands on the next day', async () => {
  const [departure, arrival] = await eventsOfLines(
    '2013,1,1,2353,2359,-6,425,445,-20,B6,739,N591JB,JFK,PSE,195,1617,23,59,2013-01-02T04:00:00Z',
  )

  assert.equal(departure && eventTime(departure), '2013-01-02T04:53:00.000Z')
  assert.equal(arrival && eventTime(arrival), '2013-01-02T08:25:00.000Z')
})

test('a flight to Honolulu lands by the clock of Honolulu', async () => {
  const [, arrival] = await eventsOfLines(
    '2013,1,1,857,900,-3,1516,1530,-14,HA,51,N380HA,JFK,HNL,659,4983,9,0,2013-01-01T14:00:00Z',
  )

  // 15:16 at UTC-10
  assert.equal(arrival && eventTime(arrival), '2013-01-02T01:16:00.000Z')
})

test('2400 is the midnight that ends the day', async () => {
  const [, arrival] = await eventsOfLines(
    '2013,1,1,2209,2155,14,2400,2337,23,B6,1109,N216JB,JFK,RDU,86,427,21,55,2013-01-02T02:00:00Z',
  )

  assert.equal(arrival && eventTime(arrival), '2013-01-02T05:00:00.000Z')
})

test('a delay is elapsed minutes, through the hour that the clocks skip in March', async () => {
  const [departure, arrival] = await eventsOfLines(
    '2013,3,9,2306,2145,81,203,34,89,B6,35,N658JB,JFK,PBI,141,1028,21,45,2013-03-10T02:00:00Z',
  )

  assert.equal(departure && eventTime(departure), '2013-03-10T04:06:00.000Z')
  // 00:34 at UTC-5 and 89 minutes, written as 02:03 where the clocks went from 02:00 to 03:00
  assert.equal(arrival && eventTime(arrival), '2013-03-10T07:03:00.000Z')
})

test('the one flight that landed in the repeated hour of November landed in the first of the two', async () => {
  const [, arrival] = await eventsOfLines(
    '2013,11,2,2217,1655,322,114,2015,299,VX,413,N838VA,JFK,LAX,339,2475,16,55,2013-11-02T20:00:00Z',
  )

  // 01:14 Pacific Daylight Time; 20:15 at UTC-7 and 299 minutes
  assert.equal(arrival && eventTime(arrival), '2013-11-03T08:14:00.000Z')
})

test('a cancelled flight gives no event, a diverted one no arrival', async () => {
  const events = await eventsOfLines(
    '2013,1,1,NA,1630,NA,NA,1815,NA,EV,4308,N18120,EWR,RDU,NA,416,16,30,2013-01-01T21:00:00Z',
    '2013,1,1,1525,1530,-5,1934,1805,NA,MQ,4525,N719MQ,LGA,XNA,NA,1147,15,30,2013-01-01T20:00:00Z',
  )

  assert.deepEqual(
    events.map(({ event }) => event.event_id),
    ['2013-01-01-MQ4525-LGA-dep'],
  )
})

test('the events of the sample come in the order of their times, each with an id of its own', async () => {
  const ids = new Set<string>()
  let last = ''
  let events = 0
  for await (const event of flightEvents()) {
    const time = eventTime(event)
    assert.ok(time >= last, `${event.event.event_id} at ${time} comes after ${last}`)
    last = time
    ids.add(event.event.event_id)
    events += 1
  }

  assert.equal(ids.size, events)
  assert.deepEqual(await countFlightEvents(), {
    departures: 26_483,
    arrivals: 26_398,
    total: events,
  })
})

test('copies repeat each event under further ids', async () => {
  const ids: string[] = []
  for await (const { event } of flightEvents(undefined, 3)) {
    if (ids.push(event.event_id) === 4) break
  }

  assert.deepEqual(ids, [
    '2013-01-01-UA1545-EWR-dep',
    '2013-01-01-UA1545-EWR-dep~1',
    '2013-01-01-UA1545-EWR-dep~2',
    '2013-01-01-UA1714-LGA-dep',
  ])
})

const GOOD = ',UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z'

test('a bad line is reported with the file, its number and the column', async () => {
  const good = `2013,1,1,517,515,2,830,819,11${GOOD}`
  const attempt = (line: string) => eventsOfLines(good, line)

  await assert.rejects(attempt(`2013,1,1,517,515,2,861,819,11${GOOD}`), {
    message: /flights\.csv, line 3: arr_time is 861, not HHMM/,
  })
  await assert.rejects(attempt(`2013,1,1,517,515,two,830,819,11${GOOD}`), {
    message: /line 3: dep_delay is "two", expected an integer/,
  })
  await assert.rejects(attempt(`2013,1,1,517,NA,2,830,819,11${GOOD}`), {
    message: /line 3: sched_dep_time is missing/,
  })
  await assert.rejects(attempt('2013,1,1,517'), { message: /flights\.csv: .*line 3/ })
  await assert.rejects(attempt(good.replace('IAH', 'QQQ')), { message: /airport QQQ is unknown/ })
})

test('a file that is absent is named', async () => {
  await assert.rejects(flightEvents('absent.csv.gz').next(), {
    message: /absent\.csv\.gz.*ENOENT/,
  })
})
