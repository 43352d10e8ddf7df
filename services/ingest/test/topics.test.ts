import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { delay, delaySchema, readLog, TestIngest } from './fixture.ts'

let ingest: TestIngest
before(async () => {
  ingest = await TestIngest.start(['a', 'b'], { topicFile: { id: undefined } })
})
after(() => ingest.stop())

async function get(path: string): Promise<{ status: number; type: string; body: unknown }> {
  const response = await fetch(`${ingest.url}${path}`)
  const type = response.headers.get('content-type') ?? ''
  return { status: response.status, type, body: await response.json() }
}

test('topics are listed with what a publisher needs to know', async () => {
  const { body } = await get('/v1/topics')
  type Version = { version: number; schema_id: number; publishable: boolean; blocked_by: [] }
  const { topics } = body as { topics: { topic: string; versions: Version[] }[] }
  assert.deepEqual(
    topics.map(({ topic }) => topic),
    [ingest.topic('a'), ingest.topic('b')],
  )
  const [{ versions, ...rest } = { versions: [] }] = topics
  assert.deepEqual(rest, {
    topic: ingest.topic('a'),
    key: 'tail_number',
    id: null,
    event_time: 'departed_at',
    partitions: 3,
    earliness_ms: 300_000,
    import_disorder_ms_max: 3_600_000,
  })
  assert.deepEqual(
    versions.map(({ version, publishable, blocked_by }) => [version, publishable, blocked_by]),
    [[1, true, []]],
  )
  assert.ok((versions[0]?.schema_id ?? 0) > 0)
})

test('a topic is read with its newest schema; an unknown one is 404', async () => {
  const { body } = await get(`/v1/topics/${ingest.topic('b')}`)
  assert.deepEqual((body as { schema: unknown }).schema, delaySchema)
  const missing = await get('/v1/topics/nowhere')
  assert.equal(missing.status, 404)
  assert.equal((missing.body as { error: { code: string } }).error.code, 'unknown_topic')
})

test('the id in a record finds its schema as the Schema Registry API does', async () => {
  await ingest.publish('a', delay())
  const [record] = await readLog(ingest.topic('a'))
  const id = record?.value?.readInt32BE(1)
  const found = await get(`/schemas/ids/${id}`)
  assert.match(found.type, /^application\/vnd\.schemaregistry\.v1\+json/)
  const { schema } = found.body as { schema: string }
  assert.deepEqual(JSON.parse(schema), delaySchema)
  const missing = await get('/schemas/ids/1')
  assert.equal(missing.status, 404)
  assert.equal((missing.body as { error_code: number }).error_code, 40403)
})

test('the OpenAPI document describes publishing: all bodies, every status, the parameters', async () => {
  const { body } = await get('/openapi.json')
  type Operation = {
    requestBody: { content: object }
    responses: object
    parameters: { name: string }[]
  }
  const { paths } = body as { paths: Record<string, Record<string, Operation>> }
  const publish = paths['/v1/topics/{topic}/events']?.post
  assert.ok(publish)
  assert.deepEqual(Object.keys(publish.requestBody.content).sort(), [
    'application/cloudevents+json',
    'application/cloudevents-batch+json',
    'application/json',
    'application/x-ndjson',
  ])
  assert.deepEqual(
    Object.keys(publish.responses).map(Number),
    [200, 207, 400, 404, 408, 409, 413, 415, 422, 429, 503],
  )
  assert.deepEqual(publish.parameters.map(({ name }) => name).sort(), [
    'disorder',
    'mode',
    'rejected',
    'topic',
    'version',
  ])
  assert.equal((await fetch(`${ingest.url}/docs`)).status, 200)
})
