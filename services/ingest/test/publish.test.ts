import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decode, delay, readLog, TestIngest } from './fixture.ts'

let ingest: TestIngest
const labels = ['single', 'array', 'lines', 'keys', 'doubles', 'made-ids', 'defaults']
before(async () => {
  ingest = await TestIngest.start(labels)
})
after(() => ingest.stop())

test('P1: an accepted event is in the log where the answer says, as it was sent', async () => {
  const event = delay({ note: 'grüße ✈', tail_number: 'N39463' })
  const before = Date.now()
  const { status, body } = await ingest.publish('single', event)
  const after = Date.now()
  assert.equal(status, 200)
  assert.deepEqual([body.topic, body.accepted, body.rejected], [ingest.topic('single'), 1, 0])
  const [record, ...others] = await readLog(ingest.topic('single'))
  assert.equal(others.length, 0)
  assert.ok(record)
  assert.deepEqual(body.results, [
    {
      status: 'accepted',
      id: event.event_id,
      partition: record.partition,
      offset: String(record.offset),
    },
  ])
  assert.deepEqual({ ...decode(record) }, event)
  assert.equal(record.key?.toString(), 'N39463')
  assert.deepEqual(Object.keys(record.headers).sort(), ['kappa-accepted', 'kappa-id'])
  assert.equal(record.headers['kappa-id']?.toString(), event.event_id)
  const accepted = Number(record.headers['kappa-accepted']?.toString())
  assert.ok(accepted >= before && accepted <= after, `${accepted} in ${before}..${after}`)
  assert.ok(record.timestamp >= accepted, 'Kafka stamped the record when it was appended')
})

test('P1: the results of an array are in its order, and each is in the log', async () => {
  const events = Array.from({ length: 500 }, (_, n) => delay({ tail_number: `N${n % 41}` }))
  const { status, body } = await ingest.publish('array', events)
  assert.equal(status, 200)
  assert.deepEqual(
    body.results.map(({ id }) => id),
    events.map(({ event_id }) => event_id),
  )
  const log = await readLog(ingest.topic('array'))
  const places = new Map(log.map((record) => [`${record.partition}/${record.offset}`, record]))
  assert.equal(places.size, 500)
  for (const [n, { partition, offset }] of body.results.entries()) {
    const record = places.get(`${partition}/${offset}`)
    assert.ok(record)
    assert.equal(decode(record).event_id, events[n]?.event_id)
  }
})

test('NDJSON is published line by line, with any line end and blank lines between', async () => {
  const [first, second, third] = [delay(), delay(), delay()]
  const text = `${JSON.stringify(first)}\r\n\n  \n${JSON.stringify(second)}\n${JSON.stringify(third)}`
  const { status, body } = await ingest.publish('lines', text, { type: 'application/x-ndjson' })
  assert.equal(status, 200)
  assert.deepEqual(
    body.results.map(({ id }) => id),
    [first, second, third].map(({ event_id }) => event_id),
  )
})

test('a key is in the partition where a plain Kafka producer puts it', async () => {
  // Hashes of Kafka's own UtilsTest.testMurmur2; its partitioner takes the lower 31 bits.
  const hashes = new Map([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])
  const keys = [...hashes.keys()]
  const { body } = await ingest.publish(
    'keys',
    keys.map((key) => delay({ tail_number: key })),
  )
  const partitions = [...hashes.values()].map((hash) => (hash & 0x7fffffff) % 3)
  assert.ok(new Set(partitions).size > 1)
  assert.deepEqual(
    body.results.map(({ partition }) => partition),
    partitions,
  )
})

test('an event without a key is written with a null key', async () => {
  const event = delay({ tail_number: null })
  await ingest.publish('defaults', { ...event, tail_number: undefined })
  const [record] = await readLog(ingest.topic('defaults'))
  assert.equal(record?.key, null)
  assert.deepEqual(record && { ...decode(record) }, { ...event, note: '' })
})

test('an id that comes twice is written once when it is the same event, else rejected', async () => {
  const event = delay()
  const sameId = { ...event, delay_minutes: event.delay_minutes + 1 }
  const { status, body } = await ingest.publish('doubles', [event, sameId, event])
  assert.equal(status, 207)
  assert.deepEqual([body.accepted, body.rejected], [2, 1])
  assert.deepEqual(body.results[2], body.results[0])
  assert.equal(body.results[1]?.error.code, 'id_conflict')
  assert.match(body.results[1]?.error.message ?? '', /is that of event 0 of this request/)
  const log = await readLog(ingest.topic('doubles'))
  assert.equal(log.length, 1)
  assert.equal(log[0] && decode(log[0]).delay_minutes, event.delay_minutes)
})

test('without an id in the contract each event gets one, in its header and in the answer', async () => {
  const other = await TestIngest.start(['made-ids'], {
    sameAs: ingest,
    topicFile: { id: undefined },
  })
  try {
    const { body } = await other.publish('made-ids', [delay(), delay()])
    const ids = body.results.map(({ id }) => id)
    const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    for (const id of ids) assert.match(id, uuid7)
    const log = await readLog(other.topic('made-ids'))
    const written = log.map((record) => record.headers['kappa-id']?.toString())
    assert.deepEqual(written.sort(), ids.toSorted())
    assert.equal(new Set(ids).size, 2)
  } finally {
    await other.stop()
  }
})
