import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '@kappa/test/until'
import { delay, type OpenRequest, readLog, TestIngest } from './fixture.ts'

let ingest: TestIngest
before(async () => {
  ingest = await TestIngest.start(['requests', 'bytes'], {
    environment: {
      KAPPA_INGEST_REQUESTS_IN_FLIGHT_MAX: '2',
      KAPPA_INGEST_BYTES_IN_FLIGHT_MAX: '5000',
    },
  })
})
after(() => ingest.stop())

/** Sends the head of a request and the first byte of its body. */
function begin(label: string, body: string): OpenRequest {
  const request = ingest.open(label, [`content-length: ${body.length}`])
  request.write(body.slice(0, 1))
  return request
}

const requests = () => ingest.metric('kappa_ingest_requests_in_flight')

test('requests above the bound are 429 with it, and nothing of them is written', async () => {
  const bodies = [delay(), delay()].map((event) => JSON.stringify(event))
  const begun = bodies.map((body) => begin('requests', body))
  await until(requests, (seen) => seen === 2)
  const { status, headers, body } = await ingest.publish('requests', delay())
  assert.deepEqual([status, body.error.code], [429, 'too_many_requests'])
  assert.match(body.error.message, /^At most 2 publish requests/)
  assert.deepEqual(body.error.details, { limit: 'requests_in_flight', bound: 2 })
  assert.ok(Number(headers.get('retry-after')) >= 1)
  assert.deepEqual(await readLog(ingest.topic('requests')), [])

  for (const [n, request] of begun.entries()) request.write(bodies[n]?.slice(1) ?? '')
  for (const request of begun) assert.match(await request.answer(), /^HTTP\/1.1 200 /)
  assert.equal(await requests(), 0)
  assert.equal((await ingest.publish('requests', delay())).status, 200)
  const code = { code: 'too_many_requests' }
  assert.equal(await ingest.metric('kappa_ingest_requests_refused_total', code), 1)
})

test('bytes above the bound are 429; a client that goes away gives its share back', async () => {
  const request = begin('bytes', JSON.stringify(delay({ note: 'x'.repeat(4_000) })))
  await until(requests, (seen) => seen === 1)
  const large = delay({ note: 'x'.repeat(1_000) })
  const { status, body } = await ingest.publish('bytes', large)
  assert.deepEqual([status, body.error.code], [429, 'too_many_requests'])
  assert.match(body.error.message, /5000 bytes/)
  assert.equal((await ingest.publish('bytes', delay())).status, 200)

  request.cut()
  await until(requests, (seen) => seen === 0)
  assert.equal(await ingest.metric('kappa_ingest_body_bytes_in_flight'), 0)
  assert.equal((await ingest.publish('bytes', large)).status, 200)
  const alone = await ingest.publish('bytes', delay({ note: 'x'.repeat(6_000) }))
  assert.equal(alone.status, 200, 'a body above the bound is taken when it is alone')
})
