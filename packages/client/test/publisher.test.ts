import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { until } from '@kappa/test/until'
import type { EventFailedError, EventRejectedError } from '../src/publish-results.ts'
import { Publisher } from '../src/publisher.ts'
import { FlakyIngest } from './flaky-ingest.ts'

let ingest: FlakyIngest
beforeEach(async () => {
  ingest = await FlakyIngest.start()
})
afterEach(() => ingest.stop())

const quick = { retryDelayMsMin: 1, retryDelayMsMax: 20 }
const event = (n: number) => ({ event_id: `e${n}`, n })
const sizes = () => ingest.requests.map(({ events }) => events.length)

test('one event resolves with its id, place and position once it is in the log', async () => {
  await using publisher = new Publisher({ url: ingest.url })
  assert.deepEqual(await publisher.publish('t', event(1)), {
    status: 'accepted',
    id: 'e1',
    partition: 0,
    offset: '0',
    position: 'position-1',
  })
})

test('batches are as large as batchEventsMax and in the order of publishing', async () => {
  await using publisher = new Publisher({ url: ingest.url, batchEventsMax: 10, ordered: true })
  const published = Array.from({ length: 35 }, (_, n) => publisher.publish('t', event(n)))
  await Promise.all(published)
  assert.deepEqual(sizes(), [10, 10, 10, 5])
  assert.deepEqual(
    ingest.taken.get('t')?.map(({ data }) => data.n),
    Array.from({ length: 35 }, (_, n) => n),
  )
})

test('batches are at most batchBytesMax, and a larger event goes alone', async () => {
  await using publisher = new Publisher({ url: ingest.url, batchBytesMax: 200, ordered: true })
  const texts = [80, 80, 80, 500, 80].map((length) => ({ event_id: 'x'.repeat(length) }))
  await Promise.all(texts.map((each) => publisher.publish('t', each)))
  assert.deepEqual(sizes(), [2, 1, 1, 1])
})

test('a batch that does not fill goes after lingerMs, and at once on flush', async () => {
  await using publisher = new Publisher({ url: ingest.url, lingerMs: 150 })
  const from = performance.now()
  await Promise.all([publisher.publish('t', event(1)), publisher.publish('t', event(2))])
  const lingered = performance.now() - from
  assert.ok(lingered >= 150 && lingered < 1_000, `${lingered} ms`)
  assert.deepEqual(sizes(), [2])

  await using patient = new Publisher({ url: ingest.url, lingerMs: 60_000 })
  void patient.publish('t', event(3))
  await patient.flush()
  assert.equal(patient.counters.accepted, 1)
})

test('an event is taken as it was when it was published', async () => {
  await using publisher = new Publisher({ url: ingest.url })
  const changing = { event_id: 'a', n: 1 }
  const published = publisher.publish('t', changing)
  changing.n = 2
  await published
  assert.equal(ingest.taken.get('t')?.[0]?.data.n, 1)
})

test('a rejected event fails its own promise only, with the reason, and is not sent again', async () => {
  await using publisher = new Publisher({ url: ingest.url, ...quick })
  const [good, bad] = await Promise.allSettled([
    publisher.publish('t', event(1)),
    publisher.publish('t', { event_id: 'bad', wrong: true }),
  ])
  assert.equal(good.status, 'fulfilled')
  assert.equal(bad.status, 'rejected')
  const error = bad.reason as EventRejectedError
  assert.deepEqual(
    [error.name, error.code, error.result.rejection],
    ['EventRejectedError', 'unknown_field', 'kept-1'],
  )
  assert.equal(ingest.requests.length, 1)
})

test('with whenFull: reject, a full queue refuses at once, by events and by bytes', async () => {
  for (const bound of [{ queueEventsMax: 3 }, { queueBytesMax: 70 }]) {
    ingest.hold()
    const publisher = new Publisher({ url: ingest.url, whenFull: 'reject', ...bound })
    const published = [1, 2, 3, 4].map((n) => publisher.publish('t', event(n)))
    const refused = published[3]?.catch((error: EventFailedError) => error.code)
    assert.equal(await refused, 'queue_full')
    ingest.release()
    await publisher.close()
    assert.deepEqual(
      [publisher.counters.accepted, publisher.counters.failed],
      [3, 1],
      JSON.stringify(bound),
    )
  }
})

test('with whenFull: wait, publishing waits for room in turn, and too many waiting are refused', async () => {
  ingest.hold()
  const publisher = new Publisher({
    url: ingest.url,
    queueEventsMax: 2,
    waitingEventsMax: 3,
    ordered: true,
    lingerMs: 0,
  })
  const published = Array.from({ length: 6 }, (_, n) => publisher.publish('t', event(n)))
  const refused = await published[5]?.catch((error: EventFailedError) => error.code)
  assert.equal(refused, 'queue_full')
  assert.equal(publisher.counters.pending, 5)
  assert.equal(ingest.taken.size, 0)
  ingest.release()
  await publisher.close()
  assert.deepEqual(
    ingest.taken.get('t')?.map(({ data }) => data.n),
    [0, 1, 2, 3, 4],
  )
})

test('publishAll waits for its turn however many wait already', async () => {
  ingest.hold()
  const publisher = new Publisher({ url: ingest.url, queueEventsMax: 1, waitingEventsMax: 1 })
  const published = [1, 2].map((n) => publisher.publish('t', event(n)))
  const all = publisher.publishAll('t', [event(3), event(4)])
  ingest.release()
  await Promise.all(published)
  assert.equal((await all).accepted, 2)
  await publisher.close()
})

test('close flushes, and takes no more', async () => {
  const publisher = new Publisher({ url: ingest.url, lingerMs: 60_000 })
  const published = publisher.publish('t', event(1))
  await publisher.close()
  assert.equal((await published).status, 'accepted')
  await assert.rejects(publisher.publish('t', event(2)), { code: 'closed' })
})

test('close is bounded: what is not acknowledged in time fails as closed', async () => {
  ingest.hold()
  const publisher = new Publisher({ url: ingest.url, queueEventsMax: 2 })
  const published = [1, 2, 3].map((n) => publisher.publish('t', event(n)))
  const from = performance.now()
  await publisher.close({ timeoutMs: 100 })
  assert.ok(performance.now() - from < 2_000)
  for (const each of published) await assert.rejects(each, { code: 'closed' })
  assert.equal(publisher.counters.pending, 0)
})

test('promises that nobody awaits do not end the process', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', note)
  await using publisher = new Publisher({ url: ingest.url })
  void publisher.publish('t', { wrong: true })
  void publisher.publish('unknown', event(1))
  await publisher.flush()
  await until(
    async () => publisher.counters.pending,
    (pending) => pending === 0,
  )
  await new Promise(setImmediate)
  process.off('unhandledRejection', note)
  assert.deepEqual(unhandled, [])
  assert.deepEqual([publisher.counters.rejected, publisher.counters.failed], [1, 1])
})

test('an aborted event that was not sent is withdrawn; one in flight is not sent again', async () => {
  await using publisher = new Publisher({ url: ingest.url, lingerMs: 60_000 })
  const control = new AbortController()
  const withdrawn = publisher.publish('t', event(1), { signal: control.signal })
  const kept = publisher.publish('t', event(2))
  control.abort()
  await assert.rejects(withdrawn, { code: 'aborted' })
  await publisher.flush()
  await kept
  assert.deepEqual(
    ingest.taken.get('t')?.map(({ data }) => data.n),
    [2],
  )

  ingest.hold()
  ingest.faults.push({ status: 503, code: 'stopping' })
  const second = new AbortController()
  const inFlight = publisher.publish('t', event(3), { signal: second.signal })
  void publisher.flush()
  await until(
    async () => ingest.inFlightMost,
    (most) => most > 0,
  )
  second.abort()
  await assert.rejects(inFlight, { code: 'aborted' })
  ingest.release()
  await publisher.close()
  assert.equal(ingest.taken.get('t')?.length, 1)
})

test('an event of another shape than an object is refused', async () => {
  await using publisher = new Publisher({ url: ingest.url })
  await assert.rejects(
    publisher.publish('t', () => 1),
    TypeError,
  )
})

test('at most requestsInFlightMax requests are sent at once, over as many connections', async () => {
  ingest.hold()
  const publisher = new Publisher({
    url: ingest.url,
    requestsInFlightMax: 3,
    batchEventsMax: 1,
    lingerMs: 0,
  })
  const published = Array.from({ length: 30 }, (_, n) => publisher.publish(`t${n % 5}`, event(n)))
  await until(
    async () => ingest.inFlightMost,
    (most) => most === 3,
  )
  ingest.release()
  await Promise.all(published)
  await publisher.close()
  assert.equal(ingest.inFlightMost, 3)
  assert.ok(ingest.connections <= 3, `${ingest.connections} connections`)
})
