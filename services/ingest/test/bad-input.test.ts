import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decode, delay, readLog, TestIngest } from './fixture.ts'

let ingest: TestIngest
const labels = ['mixed', 'nothing', 'lines', 'sizes', 'future', 'odd']
const limits = {
  KAPPA_HTTP_BODY_BYTES_MAX: '20000',
  KAPPA_INGEST_EVENTS_PER_REQUEST_MAX: '20',
  KAPPA_INGEST_EVENT_BYTES_MAX: '2000',
}
before(async () => {
  ingest = await TestIngest.start(labels, { environment: limits })
})
after(() => ingest.stop())

/** The error of a request that must have written nothing. */
async function refused(
  body: unknown,
  options: { type?: string; query?: string } = {},
): Promise<{ status: number; code: string; message: string }> {
  const answer = await ingest.publish('nothing', body, options)
  assert.deepEqual(await readLog(ingest.topic('nothing')), [])
  return { status: answer.status, ...answer.body.error }
}

test('P3: each wrong event of a batch is rejected with code and path, the others are accepted', async () => {
  const good = [delay(), delay()]
  const { event_id: _left, ...noId } = delay()
  const wrong: readonly (readonly [unknown, string, string])[] = [
    [{ ...delay(), delay_mins: 3 }, 'unknown_field', '$.delay_mins'],
    [noId, 'missing_field', '$.event_id'],
    [{ ...delay(), delay_minutes: '7' }, 'wrong_type', '$.delay_minutes'],
    [{ ...delay(), delay_minutes: 2_147_483_648 }, 'out_of_range', '$.delay_minutes'],
    [{ ...delay(), departed_at: '2013-02-30T00:00:00Z' }, 'bad_timestamp', '$.departed_at'],
    [null, 'wrong_type', '$'],
    [[], 'wrong_type', '$'],
  ]
  const { status, body } = await ingest.publish('mixed', [
    good[0],
    ...wrong.map(([event]) => event),
    good[1],
  ])
  assert.equal(status, 207)
  assert.deepEqual([body.accepted, body.rejected], [2, wrong.length])
  const results = body.results.slice(1, -1).map(({ status: each, error }) => ({ each, ...error }))
  assert.deepEqual(
    results.map(({ each, code, path }) => [each, code, path]),
    wrong.map(([, code, path]) => ['rejected', code, path]),
  )
  for (const { message } of results) assert.notEqual(message, '')
  const log = await readLog(ingest.topic('mixed'))
  assert.deepEqual(
    log.map((record) => decode(record).event_id).sort(),
    good.map(({ event_id }) => event_id).sort(),
  )
})

test('an unknown topic is 404 with the name that was meant', async () => {
  const { status, body } = await ingest.publish('nothin', delay())
  assert.deepEqual([status, body.error.code], [404, 'unknown_topic'])
  assert.ok(body.error.message.includes(`did you mean "${ingest.topic('nothing')}"?`))
})

test('malformed JSON is 400 with line and column', async () => {
  const error = await refused('{\n  "event_id": "a",\n  "delay_minutes": seven\n}')
  assert.deepEqual([error.status, error.code], [400, 'malformed_json'])
  assert.match(error.message, /unexpected "s" at line 3, column 20/)
  const cut = await refused('[{"event_id": "a"}, ')
  assert.match(cut.message, /unexpected end at line 1, column 21/)
  const notText = await refused(Buffer.from([0x22, 0xff, 0x22]))
  assert.match(notText.message, /not valid UTF-8/)
})

test('a malformed line of NDJSON is rejected by its number, the others are accepted', async () => {
  const event = delay()
  const { status, body } = await ingest.publishLines('lines', [
    '{"event_id": }',
    '',
    JSON.stringify(event),
  ])
  assert.equal(status, 207)
  assert.deepEqual(
    body.results.map((result) => result.status),
    ['rejected', 'accepted'],
  )
  assert.deepEqual(body.results[0]?.error, {
    code: 'malformed_json',
    message: 'Line 1 is not valid JSON: unexpected "}" at column 14.',
    path: '$',
  })
  const log = await readLog(ingest.topic('lines'))
  assert.deepEqual(
    log.map((record) => decode(record).event_id),
    [event.event_id],
  )
})

test('a line of NDJSON that is not UTF-8 is rejected by its number', async () => {
  const lines = Buffer.concat([
    Buffer.from(`${JSON.stringify(delay())}\n"`),
    Buffer.from([0xc3, 0x28]),
  ])
  const { status, body } = await ingest.publish('lines', lines, { type: 'application/x-ndjson' })
  assert.equal(status, 207)
  assert.equal(body.results[1]?.error.message, 'Line 2 is not valid UTF-8.')
})

test('no events at all is 400', async () => {
  for (const body of ['', ' \n', '[]']) {
    assert.deepEqual((await refused(body)).code, 'no_events')
  }
  const error = await refused('\n \r\n', { type: 'application/x-ndjson' })
  assert.deepEqual([error.status, error.code], [400, 'no_events'])
})

test('when every event is rejected the answer is 422 and still has each reason', async () => {
  const { status, body } = await ingest.publish('odd', [{}, { ...delay(), delay_minutes: 0.5 }])
  assert.deepEqual([status, body.error.code], [422, 'all_events_rejected'])
  assert.deepEqual([body.accepted, body.rejected, body.results.length], [0, 2, 2])
  assert.equal(body.results[1]?.error.path, '$.delay_minutes')
})

test('a body above its bound is 413 with the bound, whether its length is announced or not', async () => {
  const announced = await refused(Buffer.alloc(20_001, ' '))
  assert.deepEqual([announced.status, announced.code], [413, 'body_too_large'])
  assert.match(announced.message, /20000 bytes/)
  const unread = ingest.open('nothing', ['content-length: 20001'])
  assert.match(await unread.answer(), /^HTTP\/1.1 413 /, 'before a byte of it is read')
  const unannounced = ingest.open('nothing', ['transfer-encoding: chunked'])
  const chunk = ' '.repeat(1_000)
  for (let n = 0; n < 30; n++) unannounced.write(`3e8\r\n${chunk}\r\n`)
  unannounced.write('0\r\n\r\n')
  assert.match(await unannounced.answer(), /^HTTP\/1.1 413 [\s\S]*body_too_large.*20000 bytes/)
})

test('a batch above its bound is 413 with the bound', async () => {
  const events = Array.from({ length: 21 }, () => delay())
  const error = await refused(events)
  assert.deepEqual([error.status, error.code], [413, 'batch_too_large'])
  assert.match(error.message, /bound of 20\b/)
  const lines = events.map((event) => JSON.stringify(event)).join('\n')
  assert.equal((await refused(lines, { type: 'application/x-ndjson' })).code, 'batch_too_large')
})

test('an event above its bound is rejected with the bound; alone it is 413', async () => {
  const large = delay({ note: 'x'.repeat(2_000) })
  const error = await refused(large)
  assert.deepEqual([error.status, error.code], [413, 'event_too_large'])
  assert.match(error.message, /2000 bytes/)
  const longId = delay({ event_id: 'i'.repeat(990) })
  const { status, body } = await ingest.publish('sizes', [large, delay(), longId])
  assert.equal(status, 207)
  assert.deepEqual(
    body.results.map((result) => result.error?.code ?? result.status),
    ['event_too_large', 'accepted', 'event_too_large'],
  )
})

test('another content type, charset or encoding is 415 and says what is taken', async () => {
  const type = await refused('a,b', { type: 'text/csv' })
  assert.deepEqual([type.status, type.code], [415, 'unsupported_media_type'])
  assert.match(type.message, /text\/csv.*application\/json.*application\/x-ndjson/)
  const charset = await refused(delay(), { type: 'application/json; charset=latin1' })
  assert.match(charset.message, /latin1.*UTF-8/)
  const none = await fetch(`${ingest.url}/v1/topics/${ingest.topic('nothing')}/events`, {
    method: 'POST',
  })
  assert.equal(none.status, 415)
})

test('an event of the future is rejected by the earliness of its contract', async () => {
  const minute = 60_000
  const { status, body } = await ingest.publish('future', [
    delay({ departed_at: Date.now() + 4 * minute }),
    delay({ departed_at: Date.now() + 6 * minute }),
    delay({ departed_at: 0 }),
  ])
  assert.equal(status, 207)
  assert.deepEqual(
    body.results.map((result) => result.error?.code ?? result.status),
    ['accepted', 'from_the_future', 'accepted'],
  )
  assert.equal(body.results[1]?.error.path, '$.departed_at')
  assert.match(body.results[1]?.error.message ?? '', /5 minutes/)
})

test('names of prototypes, deep nesting and unknown parameters are clear errors', async () => {
  const poisoned = `{"__proto__": {"delay_minutes": 1}, "constructor": 1, "event_id": "p"}`
  const { status, body } = await ingest.publish('odd', poisoned)
  assert.equal(status, 422)
  assert.deepEqual(body.results[0]?.error.code, 'missing_field')
  const deep = await ingest.publish('odd', `${'['.repeat(9_000)}${']'.repeat(9_000)}`)
  assert.equal(deep.status, 422)
  const unclosed = await ingest.publish('odd', '['.repeat(19_000))
  assert.equal(unclosed.body.error.code, 'malformed_json')
  assert.equal((await refused(delay(), { query: '?mode=history' })).code, 'bad_request')
  assert.equal((await refused(delay(), { query: '?reject=discard' })).code, 'bad_request')
})
