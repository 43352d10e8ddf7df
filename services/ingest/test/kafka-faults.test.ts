import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { API, ResponseDroppingProxy } from '@kappa/test/faults/response-dropping-proxy'
import { testStack } from '@kappa/test/stack'
import { until } from '@kappa/test/until'
import { type Answer, decode, delay, readLog, TestIngest } from './fixture.ts'

let proxy: ResponseDroppingProxy
let ingest: TestIngest
const labels = ['down', 'lost', 'many', 'import']
before(async () => {
  proxy = await ResponseDroppingProxy.start(testStack().kafkaBrokers)
  ingest = await TestIngest.start(labels, {
    environment: {
      KAPPA_KAFKA_BROKERS: proxy.address,
      KAPPA_INGEST_DELIVERY_TIMEOUT_MS: '1500',
      KAPPA_INGEST_KAFKA_PROBE_INTERVAL_MS: '100',
      KAPPA_KAFKA_REQUEST_TIMEOUT_MS: '1000',
      KAPPA_KAFKA_CONNECT_TIMEOUT_MS: '1000',
    },
  })
})
after(async () => {
  await ingest?.stop()
  await proxy?.stop()
})

const ready = async () => (await fetch(`${ingest.url}/health/ready`)).status

/** received = accepted + rejected + refused + unknown + in flight */
async function accounts(label: string): Promise<Record<string, number>> {
  const labelled = { topic: ingest.topic(label) }
  const count = (name: string) => ingest.metric(`kappa_ingest_events_${name}`, labelled)
  const [received = 0, accepted = 0, rejected = 0, refused = 0, unknown = 0, inFlight = 0] =
    await Promise.all(
      [
        'received_total',
        'accepted_total',
        'rejected_total',
        'refused_total',
        'unknown_total',
        'in_flight',
      ].map(count),
    )
  assert.equal(received, accepted + rejected + refused + unknown + inFlight)
  return { received, accepted, rejected, refused, unknown, inFlight }
}

test('P1, P3: while Kafka is down nothing is acknowledged, 503 says to come again, and readiness is off', async () => {
  assert.equal((await ingest.publish('down', delay())).status, 200)
  await proxy.stop()
  const event = delay()
  const { status, headers, body } = await ingest.publish('down', [event, { event_id: 'wrong' }])
  assert.deepEqual([status, body.error.code], [503, 'kafka_unavailable'])
  assert.ok(Number(headers.get('retry-after')) >= 1)
  assert.equal(body.results, undefined)
  assert.equal(await ready(), 503)
  assert.equal((await readLog(ingest.topic('down'))).length, 1)

  await proxy.restart()
  await until(ready, (seen) => seen === 200)
  const again = await ingest.publish('down', event)
  assert.equal(again.status, 200)
  const log = await readLog(ingest.topic('down'))
  assert.equal(log.length, 2)
  assert.deepEqual(await accounts('down'), {
    received: 4,
    accepted: 2,
    rejected: 0,
    refused: 2,
    unknown: 0,
    inFlight: 0,
  })
})

test("P1: when Kafka's acknowledgements are lost the answer is outcome_unknown, and sending again is right", async () => {
  await ingest.publish('lost', delay())
  const event = delay()
  for (let n = 0; n < 20; n++) proxy.dropNext(API.produce, 'close')
  const { status, headers, body } = await ingest.publish('lost', event)
  assert.deepEqual([status, body.error.code], [503, 'outcome_unknown'])
  assert.ok(Number(headers.get('retry-after')) >= 1)
  assert.equal((await accounts('lost')).unknown, 1)
  await proxy.stop()
  await proxy.restart()
  const again = await until(
    () => ingest.publish('lost', event),
    (answer) => answer.status === 200,
  )
  const log = await readLog(ingest.topic('lost'))
  const copies = log.filter((record) => decode(record).event_id === event.event_id)
  assert.ok(copies.length > 1, 'the event was in the log although nobody heard of it')
  for (const { headers: written } of copies) {
    assert.equal(written['kappa-id']?.toString(), event.event_id)
  }
  const [result] = again.body.results
  assert.ok(copies.some(({ offset }) => String(offset) === result?.offset))
})

test('P1, P3: with connections cut under load every acknowledged event is in the log and every other has its reason', async () => {
  const acknowledged = new Set<string>()
  const answers: Answer[] = []
  await Promise.all(
    Array.from({ length: 8 }, async (_, client) => {
      for (let n = 0; n < 15; n++) {
        if (client === 0 && n % 5 === 2) proxy.dropNext(API.produce, 'close')
        const events = Array.from({ length: 20 }, () => delay({ tail_number: `N${client}` }))
        const answer = await ingest.publish('many', [...events, { event_id: 'wrong' }])
        answers.push(answer)
        for (const { status, id } of answer.body.results ?? []) {
          if (status === 'accepted') acknowledged.add(id)
        }
      }
    }),
  )
  assert.ok(proxy.dropped > 0)
  const log = await readLog(ingest.topic('many'))
  const written = new Set(log.map((record) => record.headers['kappa-id']?.toString()))
  for (const id of acknowledged) assert.ok(written.has(id), `${id} was acknowledged`)
  assert.ok(acknowledged.size > 0)
  for (const { status } of answers) assert.ok([207, 429, 503].includes(status), String(status))
  const { received, accepted, inFlight } = await accounts('many')
  assert.deepEqual([received, accepted, inFlight], [8 * 15 * 21, acknowledged.size, 0])
})

test('an import whose state cannot be read from the log is 503, and goes on when it can; a live event that Kafka did not take does not close it', async () => {
  await proxy.stop()
  assert.equal((await ingest.publish('import', delay())).body.error.code, 'kafka_unavailable')
  const query = '?mode=import'
  const { status, headers, body } = await ingest.publish('import', delay(), { query })
  assert.deepEqual([status, body.error.code], [503, 'kafka_unavailable'])
  assert.ok(Number(headers.get('retry-after')) >= 1)
  await proxy.restart()
  await until(
    () => ingest.publish('import', delay(), { query }),
    (answer) => answer.status === 200,
  )
})
