import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadContracts } from '@kappa/contracts/load'
import { connectKafka } from '@kappa/kafka/connect'
import { publishThroughKilledIngest } from '../faults/killed-ingest.ts'
import { assertSameRows } from '../oracle/compare.ts'
import { expectedView } from '../oracle/flights.ts'
import { type LivePublication, verdicts } from '../oracle/lateness.ts'
import { copyFlights } from '../platform/flights-copy.ts'
import { Platform } from '../platform/platform.ts'
import { askPython } from '../python.ts'
import { testStack } from '../stack.ts'

const namespace = 'e2e-lateness'
const bounds = { lateness_ms: 3_600_000, earliness_ms: 300_000 }

test('P2: live events count exactly within lateness and earliness, whoever wrote them', async () => {
  const stack = testStack()
  const copy = copyFlights(join(stack.stateFolder, `${namespace}-files`), namespace)
  const platform = await Platform.start({ namespace, redisDatabase: 4, ...copy })
  const topic = copy.topic('flights.departures')
  try {
    await platform.untilLive('flights')
    const publications = [
      ...(await publishByHttp(platform, topic)),
      ...(await produceOnTheBounds(copy.schemasFolder, topic)),
      ...(await publishAgainAndAgain(platform, copy.schemasFolder, topic)),
      ...(await produceWithPython(platform, topic)),
    ]
    await platform.untilCurrent('flights', ['carrier_hours'])

    const expected = await expectedView('carrier_hours', { live: publications, bounds })
    const rows = await platform.allRows('flights', 'carrier_hours')
    assertSameRows('carrier_hours', expected, rows)

    const { counted, late, early } = await verdicts(publications, bounds)
    assert.ok(counted.length > 0 && late.length > 0 && early.length > 0)
    const { views } = await platform.releaseStatus('flights')
    const view = views.find((candidate) => candidate.view === 'carrier_hours')
    assert.equal(view?.position.late_events, late.length + early.length)
    assert.equal(view?.rows_dropped_by_watermark, 0)
  } finally {
    await platform.stop()
  }
})

function departure(id: string, departedAtMs: number) {
  return {
    event_id: id,
    carrier: 'UA',
    flight: 1,
    tail_number: `N${id}`,
    origin: 'EWR',
    destination: 'SFO',
    scheduled_at: new Date(departedAtMs - 420_000).toISOString(),
    departed_at: new Date(departedAtMs).toISOString(),
    delay_minutes: 7,
    distance_miles: 2_565,
  }
}

/** Through ingest, which stamps the accept time: clear of the bounds, since the test cannot choose it. */
async function publishByHttp(platform: Platform, topic: string): Promise<LivePublication[]> {
  const acceptedMs = Date.now()
  const ages = [0, 60_000, 3_500_000, 3_700_000, 7_200_000, 86_400_000, -240_000]
  const events = ages.map((age, index) => departure(`http-${index}`, acceptedMs - age))
  const answer = await fetch(`${platform.ingest.url}/v1/topics/${topic}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  })
  assert.equal(answer.status, 200, await answer.clone().text())
  return events.map((event) => ({
    topic: 'flights.departures',
    event,
    id: event.event_id,
    event_time_ms: Date.parse(event.departed_at),
    accepted_ms: acceptedMs,
  }))
}

/**
 * Through Confluent's Python client, which finds the schema in the registry API and knows nothing
 * of our headers: such an event is accepted when Kafka appends it, and its contract names its id.
 */
async function produceWithPython(platform: Platform, topic: string): Promise<LivePublication[]> {
  const acceptedMs = Date.now()
  const times = [0, 3_500_000, 3_700_000, -240_000, -420_000].map((age) => acceptedMs - age)
  const publications = times.map((eventTimeMs, index) => {
    const event = departure(`python-${index}`, eventTimeMs)
    return {
      topic: 'flights.departures',
      event,
      id: event.event_id,
      event_time_ms: eventTimeMs,
      accepted_ms: acceptedMs,
    }
  })
  await askPython('produce', {
    brokers: testStack().kafkaBrokers,
    registry: platform.ingest.url,
    topic,
    key_field: 'tail_number',
    // Its serializer takes numbers for timestamps, no text.
    events: publications.map(({ event }) => ({
      ...event,
      scheduled_at: Date.parse(event.scheduled_at),
      departed_at: Date.parse(event.departed_at),
    })),
  })
  return publications
}

/** P4: in the log four times, counted once. */
async function publishAgainAndAgain(
  platform: Platform,
  schemasFolder: string,
  topic: string,
): Promise<LivePublication[]> {
  const acceptedMs = Date.now()
  const ages = [30_000, 60_000, 120_000]
  const events = ages.map((age, index) => departure(`again-${index}`, acceptedMs - age))
  const { url: otherUrl } = platform.ingest
  await publishThroughKilledIngest({ namespace, schemasFolder, topic, otherUrl, events })
  return events.map((event) => ({
    topic: 'flights.departures',
    event,
    id: event.event_id,
    event_time_ms: Date.parse(event.departed_at),
    accepted_ms: acceptedMs,
  }))
}

/** As another producer that stamps its own accept times: on the bounds, to the millisecond. */
async function produceOnTheBounds(
  schemasFolder: string,
  topic: string,
): Promise<LivePublication[]> {
  const contract = (await loadContracts(schemasFolder)).get(topic)
  assert.ok(contract)
  const kafka = await connectKafka({
    brokers: testStack().kafkaBrokers.split(','),
    clientId: 'lateness-test',
    requestTimeoutMs: 15_000,
    connectTimeoutMs: 5_000,
  })
  try {
    const acceptedMs = Date.now() - 1_000
    const { lateness_ms, earliness_ms } = bounds
    const eventTimes = [-1, 0, 1].flatMap((offset) => [
      acceptedMs - lateness_ms + offset,
      acceptedMs + earliness_ms + offset,
    ])
    const publications = eventTimes.map((eventTimeMs, index) => {
      const event = departure(`bound-${index}`, eventTimeMs)
      return {
        topic: 'flights.departures',
        event,
        id: event.event_id,
        event_time_ms: eventTimeMs,
        accepted_ms: acceptedMs,
      }
    })
    const records = publications.map(({ event }) => {
      const encoded = contract.encode(event)
      assert.ok(encoded.ok)
      const headers = { 'kappa-id': event.event_id, 'kappa-accepted': String(acceptedMs) }
      return { key: encoded.key, value: encoded.value, headers }
    })
    const producer = kafka.producer()
    await producer.send(topic, records)
    await producer.close()
    return publications
  } finally {
    await kafka.close()
  }
}
