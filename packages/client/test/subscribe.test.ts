import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { ResultsClient } from '../src/results-client.ts'
import type { ViewEvent } from '../src/view-events.ts'
import { event, FakeResults, meta, refusal } from './fake-results.ts'

type Row = { readonly n: number }

let fake: FakeResults
let client: ResultsClient
before(async () => {
  fake = await FakeResults.start()
  client = new ResultsClient({ url: fake.url })
})
afterEach(() => fake.reset())
after(async () => {
  client.close()
  await fake.stop()
})

const backoff = { retryDelayMsMin: 1, retryDelayMsMax: 5 }
const snapshot = event('snapshot', meta)
const row = (n: number, id?: string) => event('row', { key: ['k', n], row: { n } }, id)
const current = (id: string) => event('current', meta, id)
const release = event('release', { from: 1, to: 2 })
const last = row(99, 'end')

function follow(options: object = {}): AsyncGenerator<ViewEvent<Row>> {
  return client.view<Row>('flights', 'carrier_hours').subscribe({}, { backoff, ...options })
}

/** The events up to the one with the id `end`. */
async function untilEnd(events: AsyncIterable<ViewEvent<Row>>): Promise<ViewEvent<Row>[]> {
  const seen: ViewEvent<Row>[] = []
  for await (const told of events) {
    if ('id' in told && told.id === 'end') break
    seen.push(told)
  }
  return seen
}

const told = (events: readonly ViewEvent<Row>[]) =>
  events.map((each) => (each.type === 'row' ? each.row.n : each.type))

test('events are typed, with the ids they have; filters and columns go along', async () => {
  fake.streams.push({
    write: [
      'retry: 1000\n\n',
      snapshot,
      row(1),
      row(2, 'a'),
      event('delete', { key: ['k', 1] }, 'b'),
      event('news', {}),
      current('c'),
      release,
      last,
    ],
    end: 'hang',
  })
  const api = client.view<Row>('flights', 'carrier_hours')
  const query = { where: { n: { gte: 1 } }, columns: ['n'], numbers: 'string' } as const
  assert.deepEqual(await untilEnd(api.subscribe(query)), [
    { type: 'snapshot', meta },
    { type: 'row', key: ['k', 1], row: { n: 1 } },
    { type: 'row', key: ['k', 2], row: { n: 2 }, id: 'a' },
    { type: 'delete', key: ['k', 1], id: 'b' },
    { type: 'current', meta, id: 'c' },
    { type: 'release', from: 1, to: 2 },
  ])
  const asked = 'GET /v1/views/flights/carrier_hours/changes?n.gte=1&columns=n&numbers=string'
  assert.deepEqual(fake.asked, [asked])
  assert.equal(fake.calls[0]?.headers.accept, 'text/event-stream')
})

test('after a cut, an end and a resume it goes on from the last id', async () => {
  fake.streams.push(
    { write: [row(1, 'a'), row(2, 'b')], end: 'cut' },
    { write: [row(3, 'c')], end: 'close' },
    { write: [row(4, 'd'), event('resume', { message: 'stops' }), row(5, 'x')], end: 'hang' },
    // A stream that brought nothing takes no id away.
    { write: [': still here\n\n'], end: 'cut' },
    { write: [last], end: 'hang' },
  )
  assert.deepEqual(told(await untilEnd(follow({ lastEventId: 'z' }))), [1, 2, 3, 4])
  assert.deepEqual(fake.resumedFrom, ['z', 'b', 'c', 'd', 'd'])
})

test('a snapshot that is cut off comes again as a whole; its end is the next id', async () => {
  fake.streams.push(
    { write: [row(1, 'a'), snapshot, row(2)], end: 'cut' },
    { write: [snapshot, row(2), row(3)], end: 'cut' },
    { write: [snapshot, row(2), row(3), current('b')], end: 'cut' },
    { write: [last], end: 'hang' },
  )
  const seen = told(await untilEnd(follow()))
  const whole = ['snapshot', 2, 3]
  assert.deepEqual(seen, [1, 'snapshot', 2, ...whole, ...whole, 'current'])
  assert.deepEqual(fake.resumedFrom, [undefined, undefined, undefined, 'b'])
})

test('what differs after a switch comes again from the id before it', async () => {
  fake.streams.push(
    { write: [row(1, 'a'), release, row(2)], end: 'cut' },
    { write: [release, row(2), row(3), row(4, 'b')], end: 'cut' },
    // A switch that has no difference to tell is followed by a snapshot.
    { write: [release, snapshot, row(5)], end: 'cut' },
    { write: [last], end: 'hang' },
  )
  const seen = told(await untilEnd(follow()))
  assert.deepEqual(seen, [1, 'release', 2, 'release', 2, 3, 4, 'release', 'snapshot', 5])
  assert.deepEqual(fake.resumedFrom, [undefined, 'a', 'b', undefined])
})

test('silence opens the stream anew; what passes is tried again and told', async () => {
  fake.streams.push(
    { write: [row(1, 'a')], end: 'hang' },
    refusal(503, 'rebuilding'),
    { ...refusal(429, 'too_many_requests'), headers: { 'retry-after': '0' } },
    { write: [last], end: 'hang' },
  )
  const breaks: string[] = []
  const onBreak = (error: { code: string }) => breaks.push(error.code)
  assert.deepEqual(told(await untilEnd(follow({ silenceMsMax: 100, onBreak }))), [1])
  assert.deepEqual(breaks, ['timeout', 'rebuilding', 'too_many_requests'])
  assert.deepEqual(fake.resumedFrom, [undefined, 'a', 'a', 'a'])
})

test('what does not pass ends it, and so does what is thrown at a break', async () => {
  for (const code of ['bad_cursor', 'unknown_view']) {
    fake.streams.push({ write: [row(1, 'a')], end: 'cut' }, refusal(400, code))
    await assert.rejects(untilEnd(follow()), { name: 'ApiError', code })
  }
  fake.streams.push({ write: [row(1, 'a')], end: 'cut' })
  const onBreak = () => {
    throw new RangeError('enough')
  }
  await assert.rejects(untilEnd(follow({ onBreak })), RangeError)
  fake.streams.push({ write: [event('row', '{')], end: 'hang' })
  await assert.rejects(untilEnd(follow()), /not JSON/)
})

test('a subscription that is told to end does, in a stream, between two and before the first', async () => {
  for (const end of ['hang', 'cut'] as const) {
    fake.reset()
    fake.streams.push({ write: [row(1, 'a')], end })
    const abort = new AbortController()
    const never = { retryDelayMsMin: 60_000, retryDelayMsMax: 60_000 }
    const seen: unknown[] = []
    const onBreak = () => setImmediate(() => abort.abort())
    for await (const each of follow({ signal: abort.signal, backoff: never, onBreak })) {
      seen.push(each.type)
      if (end === 'hang') setImmediate(() => abort.abort())
    }
    assert.deepEqual(seen, ['row'])
  }
  assert.deepEqual(await Array.fromAsync(follow({ signal: AbortSignal.abort() })), [])
})
