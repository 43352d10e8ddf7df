import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decodePosition } from '@kappa/kafka/position-token'
import { type Answer, decode, delay, readLog, TestIngest } from './fixture.ts'

let ingest: TestIngest
before(async () => {
  ingest = await TestIngest.start(['one', 'two'])
})
after(() => ingest.stop())

interface ManyAnswer {
  readonly accepted: number
  readonly rejected: number
  readonly failed: number
  readonly position: string | null
  readonly results: readonly (Answer['body']['results'][number] & { topic: string })[]
  readonly error?: { readonly code: string }
}

async function publish(body: string, type = 'application/json') {
  const response = await fetch(`${ingest.url}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
  })
  return { status: response.status, body: (await response.json()) as ManyAnswer }
}

test('events of several topics in one request: results in their order, each in its topic', async () => {
  const one = ingest.topic('one')
  const two = ingest.topic('two')
  const events = [delay(), delay(), delay()]
  const items = [
    { topic: two, event: events[0] },
    { topic: one, event: events[1], version: 1 },
    { topic: two, event: events[2] },
  ]
  const { status, body } = await publish(JSON.stringify(items))
  assert.equal(status, 200)
  assert.deepEqual([body.accepted, body.rejected, body.failed], [3, 0, 0])
  assert.deepEqual(
    body.results.map(({ topic, id }) => [topic, id]),
    items.map(({ topic }, at) => [topic, events[at]?.event_id]),
  )
  const position = decodePosition(body.position ?? '')
  for (const [topic, ids] of [
    [one, [events[1]?.event_id]],
    [two, [events[0]?.event_id, events[2]?.event_id]],
  ] as const) {
    const log = await readLog(topic)
    assert.deepEqual(log.map((record) => decode(record).event_id).sort(), [...ids].sort())
    const last = log.at(-1)
    assert.ok(last)
    assert.equal(position?.get(topic)?.get(last.partition), last.offset + 1n)
  }
})

test('each wrong address is rejected by itself', async () => {
  const topic = ingest.topic('one')
  const lines = [
    { topic: `${topic}s`, event: delay() },
    { topic, event: delay(), version: 2 },
    { event: delay() },
    { topic },
    { topic, event: { event_id: 'x' } },
    { topic, event: delay(), extra: 1 },
    [],
    { topic, event: delay() },
  ].map((line) => JSON.stringify(line))
  lines.push('{')
  const { status, body } = await publish(lines.join('\n'), 'application/x-ndjson')
  assert.equal(status, 207)
  assert.deepEqual(
    body.results.map((result) => result.error?.code ?? result.status),
    [
      'unknown_topic',
      'unknown_version',
      'bad_envelope',
      'bad_envelope',
      'missing_field',
      'bad_envelope',
      'bad_envelope',
      'accepted',
      'malformed_json',
    ],
  )
  assert.match(body.results[0]?.error.message ?? '', /did you mean/)
  assert.deepEqual([body.accepted, body.rejected], [1, 8])
})

test('nothing right is 422, nothing to read 400, CloudEvents 415', async () => {
  assert.equal((await publish('[{}]')).status, 422)
  assert.equal((await publish('[]')).body.error?.code, 'no_events')
  assert.equal((await publish('[')).body.error?.code, 'malformed_json')
  assert.equal((await publish('{}', 'application/cloudevents+json')).status, 415)
})

test('P3: every event of these requests is accounted for', async () => {
  const sum = (kind: string) => ingest.metric(`kappa_ingest_events_${kind}_total`)
  assert.equal(await sum('received'), (await sum('accepted')) + (await sum('rejected')))
})
