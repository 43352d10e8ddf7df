import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { OtlpReceiver } from '../otlp-receiver.ts'
import { copyFlights, type FlightsCopy, keepViews } from '../platform/flights-copy.ts'
import { Platform } from '../platform/platform.ts'
import { waitFor } from '../platform/wait.ts'
import { testStack } from '../stack.ts'

const clients = 100
const writesEach = 10
const hourMs = 3_600_000

/** P6: a client that published an event waits until it is counted, through the whole pipeline. */
describe('reading one’s own writes', { concurrency: 1 }, () => {
  let platform: Platform
  let copy: FlightsCopy
  let receiver: OtlpReceiver
  const at = new Date()

  before(async () => {
    copy = copyFlights(join(testStack().stateFolder, 'e2e-own-files'), 'e2e-own')
    keepViews(copy, ['carrier_hours', 'turnarounds'])
    receiver = await OtlpReceiver.start()
    // Only what its client records.
    const environment = { ...receiver.environment, OTEL_TRACES_SAMPLER: 'parentbased_always_off' }
    const options = { namespace: 'e2e-own', redisDatabase: 20, environment }
    platform = await Platform.start({ ...options, ...copy })
    await platform.untilLive('flights')
  })
  after(async () => {
    await platform?.stop()
    receiver?.stop()
  })

  async function publish(event: object, headers = {}): Promise<string> {
    const topic = copy.topic('flights.departures')
    const answer = await fetch(`${platform.ingest.url}/v1/topics/${topic}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(event),
    })
    const body = (await answer.json()) as { position: string }
    assert.equal(answer.status, 200, JSON.stringify(body))
    return body.position
  }

  function departure(carrier: string, number: number, departedAt = at): object {
    const time = departedAt.toISOString()
    return {
      event_id: `own-${carrier}-${number}`,
      carrier,
      flight: number,
      tail_number: `N${number}`,
      origin: 'EWR',
      destination: 'IAH',
      scheduled_at: time,
      departed_at: time,
      delay_minutes: number,
      distance_miles: 1_400,
    }
  }

  async function read(path: string, headers = {}) {
    const answer = await fetch(`${platform.results.url}/v1/views/flights/${path}`, { headers })
    const body = (await answer.json()) as {
      readonly row: { readonly departures: number; readonly delay_minutes_sum: number }
      readonly error?: { readonly code: string; readonly message: string }
    }
    return { status: answer.status, body }
  }

  test('1,000 times, from 100 clients: never an answer without the event', async () => {
    const hour = new Date(at.getTime() - (at.getTime() % hourMs)).toISOString()
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        const carrier = `C${client}`
        let sum = 0
        for (let number = 1; number <= writesEach; number += 1) {
          sum += number
          const position = await publish(departure(carrier, number))
          const { status, body } = await read(
            `carrier_hours/rows/${carrier},${hour}?await=${position}&timeout_ms=60000`,
          )
          assert.equal(status, 200, JSON.stringify(body))
          assert.equal(body.row.departures, number, carrier)
          assert.equal(body.row.delay_minutes_sum, sum, carrier)
        }
      }),
    )
  })

  test('the trace of a query that waits leads to the one that published its event', async () => {
    const trace = (id: string) => ({ traceparent: `00-${id.repeat(32)}-${id.repeat(16)}-01` })
    const position = await publish(departure('TR', 1), trace('a'))
    const { status, body } = await read(
      `carrier_hours?carrier=TR&await=${position}&timeout_ms=60000`,
      trace('b'),
    )
    assert.equal(status, 200, JSON.stringify(body))
    const topic = copy.topic('flights.departures')
    const names = [`send ${topic}`, 'await rows', 'GET /v1/views/:application/:view']
    const [sent, waited, asked] = await waitFor(
      'the spans of both',
      async () => {
        const spans = names.flatMap((name) => receiver.named(name))
        return spans.length === names.length ? spans : undefined
      },
      20_000,
    )
    assert.deepEqual([sent?.service, sent?.traceId], ['kappa-ingest', 'a'.repeat(32)])
    assert.deepEqual([asked?.service, asked?.traceId], ['kappa-results', 'b'.repeat(32)])
    assert.equal(waited?.parentSpanId, asked?.spanId)
    assert.deepEqual(waited?.links, [sent?.spanId])
    assert.equal(String(asked?.attributes['kappa.release']), '1')
    assert.equal(asked?.attributes['kappa.view'], 'carrier_hours')
  })

  test('an event that is too late is said not to count, and why', async () => {
    const late = new Date(at.getTime() - 3 * hourMs)
    const position = await publish(departure('LATE', 1, late))
    const { status, body } = await read(`carrier_hours?await=${position}&timeout_ms=60000`)
    assert.equal(status, 409, JSON.stringify(body))
    assert.equal(body.error?.code, 'not_counted')
    assert.match(body.error?.message ?? '', /too late; its departed_at is .*3600000 ms later/)
  })

  test('a view whose rows come later than its events refuses to wait for them, or waits for the reading', async () => {
    const position = await publish(departure('AP', 1))
    const refused = await read(`turnarounds?await=${position}&timeout_ms=60000`)
    const waited = await read(`turnarounds?await=${position}&await_for=read&timeout_ms=60000`)
    const { views } = await platform.releaseStatus('flights')
    const mode = views.find(({ view }) => view === 'turnarounds')?.output_mode
    assert.equal(mode, 'append')
    assert.equal(refused.body.error?.code, 'not_awaitable')
    assert.equal(waited.status, 200, JSON.stringify(waited.body))
  })
})
