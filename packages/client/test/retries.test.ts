import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { JsonText } from '../src/json-text.ts'
import { PublishStoppedError } from '../src/publish-results.ts'
import { Publisher } from '../src/publisher.ts'
import { FlakyIngest } from './flaky-ingest.ts'

let ingest: FlakyIngest
beforeEach(async () => {
  ingest = await FlakyIngest.start()
})
afterEach(() => ingest.stop())

const quick = { retryDelayMsMin: 1, retryDelayMsMax: 20 }
const event = (n: number) => ({ event_id: `e${n}`, n })
const numbers = (request: number) => ingest.requests[request]?.events.map(({ data }) => data.n)

test('only the failed events of a request are sent again, in their order', async () => {
  ingest.faults.push({ failed: [1, 3] })
  await using publisher = new Publisher({ url: ingest.url, ...quick })
  const events = [event(0), event(1), { event_id: 'bad', wrong: true }, event(3), event(4)]
  const { accepted, rejected, failed, notAccepted } = await publisher.publishAll('t', events)
  assert.deepEqual({ accepted, rejected, failed }, { accepted: 4, rejected: 1, failed: 0 })
  assert.deepEqual(
    notAccepted.map(({ index }) => index),
    [2],
  )
  assert.deepEqual([numbers(0)?.length, numbers(1)], [5, [1, 3]])
  assert.deepEqual([publisher.counters.sent, publisher.counters.retried], [5, 2])
})

test('429, 503, a reset, no answer and a proxy without JSON are retried until they are over', async () => {
  ingest.faults.push(
    { status: 429, code: 'too_many_requests' },
    { status: 503, code: 'kafka_unavailable' },
    'reset',
    'silence',
    { status: 502, code: 'bad_gateway' },
    { status: 503, code: 'stopping' },
  )
  await using publisher = new Publisher({ url: ingest.url, ...quick, requestTimeoutMs: 200 })
  const { accepted } = await publisher.publishAll('t', [event(1), event(2)])
  assert.equal(accepted, 2)
  assert.equal(ingest.requests.length, 7)
  assert.deepEqual(
    ingest.taken.get('t')?.map(({ data }) => data.n),
    [1, 2],
  )
})

test('the delay is at least what Retry-After asks for', async () => {
  ingest.faults.push({ status: 429, code: 'too_many_requests', retryAfter: '1' })
  await using publisher = new Publisher({ url: ingest.url, ...quick })
  await publisher.publish('t', event(1))
  const [first, second] = ingest.requests
  const waited = (second?.atMs ?? 0) - (first?.atMs ?? 0)
  assert.ok(waited >= 1_000 && waited < 2_000, `${waited} ms`)
})

test('ids of events without an id field are made once: a doubled event carries the same id', async () => {
  ingest.idField = null
  ingest.faults.push('take-and-reset')
  await using publisher = new Publisher({ url: ingest.url, ...quick })
  const { accepted } = await publisher.publishAll('t', [{ n: 1 }, { n: 2 }])
  assert.equal(accepted, 2)
  const ids = ingest.taken.get('t')?.map(({ id, data }) => `${data.n}:${id}`) ?? []
  assert.equal(ids.length, 4)
  assert.deepEqual(ids.slice(0, 2), ids.slice(2))
  assert.equal(new Set(ids).size, 2)
  assert.match(ids[0] ?? '', /^1:urn:kappa:client [0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/)
})

test('an id of the caller is the id of the event, unless the contract names a field for it', async () => {
  await using named = new Publisher({ url: ingest.url })
  await assert.rejects(named.publish('t', event(1), { id: 'mine' }), { code: 'id_in_event' })
  ingest.idField = null
  await using unnamed = new Publisher({ url: ingest.url, source: 'urn:test' })
  assert.equal((await unnamed.publish('t', event(1), { id: 'mine' })).id, 'urn:test mine')
})

test('after deliveryTimeoutMs an event fails, with the last reason', async () => {
  ingest.faults.push(...Array.from({ length: 1_000 }, () => ({ status: 503, code: 'stopping' })))
  await using publisher = new Publisher({ url: ingest.url, ...quick, deliveryTimeoutMs: 150 })
  const from = performance.now()
  await assert.rejects(publisher.publish('t', event(1)), {
    code: 'stopping',
    message: /not within 150 ms \(deliveryTimeoutMs\)/,
  })
  assert.ok(performance.now() - from < 1_000)
})

test('an ingest that is not there is told as unreachable, and nothing may be in the log', async () => {
  const { url } = ingest
  await ingest.stop()
  await using publisher = new Publisher({ url, ...quick, deliveryTimeoutMs: 100 })
  await assert.rejects(publisher.publish('t', event(1)), (error: Error & { result?: unknown }) => {
    assert.match(error.message, /cannot be reached: connect ECONNREFUSED/)
    assert.equal((error.result as { maybeInLog: boolean }).maybeInLog, false)
    return true
  })
  ingest = await FlakyIngest.start()
})

test('errors of whole requests that no retry mends fail at once', async () => {
  ingest.faults.push({ status: 409, code: 'import_closed' })
  await using publisher = new Publisher({ url: ingest.url, mode: 'import', disorder: '1 hour' })
  await assert.rejects(publisher.publish('t', event(1)), { code: 'import_closed' })
  await assert.rejects(publisher.publish('unknown', event(1)), { code: 'unknown_topic' })
  assert.deepEqual(
    ingest.requests.map(({ query }) => query),
    ['?mode=import&disorder=1+hour'],
  )
})

test('a request that ingest finds too large is sent in halves', async () => {
  ingest.eventsPerRequestMax = 3
  await using publisher = new Publisher({ url: ingest.url, ordered: true })
  const { accepted } = await publisher.publishAll(
    't',
    Array.from({ length: 10 }, (_, n) => event(n)),
  )
  assert.equal(accepted, 10)
  assert.deepEqual(
    ingest.taken.get('t')?.map(({ data }) => data.n),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  )
})

test('a disorder that the first attempt itself may have made is not told as a rejection', async () => {
  const results = [
    { status: 'accepted', id: 'e2', partition: 0, offset: '1' },
    { status: 'rejected', error: { code: 'import_disorder', message: 'older', path: '$.at' } },
  ]
  ingest.faults.push('take-and-reset', { results })
  await using publisher = new Publisher({ url: ingest.url, ...quick, mode: 'import' })
  const { accepted, rejected, notAccepted } = await publisher.publishAll('t', [event(2), event(1)])
  assert.deepEqual([accepted, rejected], [1, 0])
  const [result] = notAccepted.map((each) => each.result)
  assert.ok(result?.status === 'failed')
  assert.deepEqual([result.error.code, result.maybeInLog], ['outcome_unknown', true])
})

test('compressed bodies hold the same events', async () => {
  await using publisher = new Publisher({ url: ingest.url, compression: 'gzip' })
  const events = Array.from({ length: 200 }, (_, n) => event(n))
  await publisher.publishAll('t', events)
  assert.deepEqual(
    ingest.taken.get('t')?.map(({ data }) => data),
    events,
  )
  const bytes = ingest.requests.reduce((sum, request) => sum + request.bytes, 0)
  assert.ok(bytes < JSON.stringify(events).length / 3, `${bytes} bytes`)
})

test('JSON text is sent as it is, with every digit', async () => {
  await using publisher = new Publisher({ url: ingest.url })
  const text = '{"event_id":"a", "n": 9007199254740993.0}'
  await publisher.publish('t', new JsonText(text))
  assert.equal(ingest.requests[0]?.bytes, text.length)
  assert.throws(() => new JsonText('{\n}'), TypeError)
  assert.throws(() => new JsonText(' '), TypeError)
})

test('a bigint is sent as its digits; what cannot be JSON is refused', async () => {
  await using publisher = new Publisher({ url: ingest.url })
  await publisher.publish('t', { event_id: 'a', n: 2n ** 60n })
  assert.equal(ingest.taken.get('t')?.[0]?.data.n, '1152921504606846976')
  const circular: Record<string, unknown> = {}
  circular.self = circular
  await assert.rejects(publisher.publish('t', circular), TypeError)
})

test('publishAll gives the tokens that cover all of its events, one a partition at most', async () => {
  await using publisher = new Publisher({ url: ingest.url, batchEventsMax: 2, ordered: true })
  const { positions } = await publisher.publishAll('t', [event(0), event(1), event(2)])
  assert.deepEqual(positions, ['position-2'])
})

test('publishAll reads an endless input only as fast as events are acknowledged', async () => {
  ingest.hold()
  let read = 0
  async function* endless() {
    for (;;) yield event(read++)
  }
  const control = new AbortController()
  await using publisher = new Publisher({ url: ingest.url, queueEventsMax: 50, lingerMs: 0 })
  const published = publisher.publishAll('t', endless(), { signal: control.signal })
  while (publisher.counters.pending < 51) await new Promise(setImmediate)
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
  assert.equal(read, 51)
  control.abort()
  await assert.rejects(published, (error) => {
    assert.ok(error instanceof PublishStoppedError)
    assert.equal(error.summary.failed, 51)
    return true
  })
})

test('publishAll tells each result with its event, and an error of the callback', async () => {
  await using publisher = new Publisher({ url: ingest.url })
  const seen: string[] = []
  const events = [event(0), event(1), { event_id: 'bad', wrong: true }]
  await publisher.publishAll('t', events, {
    onResult: (result, index, { event_id }) => seen.push(`${index} ${event_id} ${result.status}`),
  })
  assert.deepEqual(seen, ['0 e0 accepted', '1 e1 accepted', '2 bad rejected'])
  const failing = publisher.publishAll('t', [event(5)], {
    onResult: () => {
      throw new Error('of the callback')
    },
  })
  await assert.rejects(failing, { name: 'PublishStoppedError', message: 'of the callback' })
})
