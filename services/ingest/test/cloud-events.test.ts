import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decode, delay, readLog, TestIngest } from './fixture.ts'

/** One topic whose contract names an id field and one whose contract does not. */
let identified: TestIngest
let anonymous: TestIngest
before(async () => {
  identified = await TestIngest.start(['modes', 'batch'])
  anonymous = await TestIngest.start(['ids', 'wrong'], { topicFile: { id: undefined } })
})
after(() => Promise.all([identified.stop(), anonymous.stop()]))

function cloudEvent(changes: object = {}) {
  return {
    specversion: '1.0',
    id: 'A-1',
    source: '/flights/nyc',
    type: 'flight.delayed',
    time: '2026-01-01T00:00:00Z',
    tenant: 'north',
    data: delay(),
    ...changes,
  }
}

const structured = { type: 'application/cloudevents+json' }
const batched = { type: 'application/cloudevents-batch+json' }

test('structured and binary mode: the data is the event, the attributes are headers of the record', async () => {
  const first = cloudEvent()
  assert.equal((await identified.publish('modes', first, structured)).status, 200)
  const data = delay()
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': 'B%20%C3%A9',
    'ce-source': '/flights/nyc',
    'ce-type': 'flight.delayed',
  }
  const { status, body } = await identified.publish('modes', data, { headers })
  assert.deepEqual([status, body.results[0]?.id], [200, data.event_id])
  const log = await readLog(identified.topic('modes'))
  assert.deepEqual(
    log
      .map((record) => decode(record))
      .map(({ event_id }) => event_id)
      .sort(),
    [first.data.event_id, data.event_id].sort(),
  )
  const named = log.map(({ headers: each }) =>
    Object.fromEntries(Object.entries(each).map(([name, value]) => [name, value.toString()])),
  )
  const ofFirst = named.find((each) => each.ce_id === 'A-1')
  assert.deepEqual(
    [ofFirst?.ce_source, ofFirst?.ce_type, ofFirst?.ce_tenant, ofFirst?.['kappa-id']],
    ['/flights/nyc', 'flight.delayed', 'north', first.data.event_id],
  )
  assert.ok(named.some((each) => each.ce_id === 'B é'))
})

test('batched mode has a result for each, and rejects each by its own', async () => {
  const events = [cloudEvent(), cloudEvent({ data: { event_id: 'x' } }), cloudEvent()]
  const { status, body } = await identified.publish('batch', events, batched)
  assert.deepEqual(
    [status, body.results.map((result) => result.error?.code ?? result.status)],
    [207, ['accepted', 'missing_field', 'accepted']],
  )
})

test('source and id identify an event whose contract names no id field', async () => {
  const same = cloudEvent()
  const events = [same, same, cloudEvent({ source: '/flights' }), cloudEvent({ id: 'A-2' })]
  const { status, body } = await anonymous.publish('ids', events, batched)
  assert.equal(status, 200)
  const ids = ['/flights/nyc A-1', '/flights/nyc A-1', '/flights A-1', '/flights/nyc A-2']
  assert.deepEqual(
    body.results.map(({ id }) => id),
    ids,
  )
  const log = await readLog(anonymous.topic('ids'))
  assert.deepEqual(
    log.map(({ headers }) => headers['kappa-id']?.toString()).sort(),
    [...new Set(ids)].sort(),
  )
  const other = cloudEvent({ data: delay() })
  const conflict = await anonymous.publish('ids', [same, other], batched)
  assert.equal(conflict.body.results[1]?.error.code, 'id_conflict')
})

test('what is not a CloudEvent 1.0 is rejected with what is wrong and where', async () => {
  const wrong: [object, string][] = [
    [cloudEvent({ specversion: '0.3' }), '$.specversion'],
    [cloudEvent({ id: '' }), '$.id'],
    [cloudEvent({ source: undefined }), '$.source'],
    [cloudEvent({ source: 'a b' }), '$.source'],
    [cloudEvent({ type: 7 }), '$.type'],
    [cloudEvent({ data: undefined }), '$.data'],
    [cloudEvent({ data: undefined, data_base64: 'e30=' }), '$.data_base64'],
    [cloudEvent({ datacontenttype: 'text/xml' }), '$.datacontenttype'],
    [cloudEvent({ Tenant: 'x' }), '$'],
    [cloudEvent({ tenant: { a: 1 } }), '$.tenant'],
    [cloudEvent({ tenant: 'x'.repeat(5_000) }), '$'],
    [[], '$'],
  ]
  const { status, body } = await anonymous.publish(
    'wrong',
    wrong.map(([event]) => event),
    batched,
  )
  assert.equal(status, 422)
  assert.deepEqual(
    body.results.map(({ error }) => [error.code, error.path]),
    wrong.map(([, path]) => ['bad_cloudevent', path]),
  )
  const text = { type: 'text/plain', headers: { 'ce-specversion': '1.0' } }
  assert.equal((await anonymous.publish('wrong', 'x', text)).status, 415)
})
