import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import type { IncomingRecord } from '@kappa/kafka/port'
import { askPython } from '@kappa/test/python'
import { testStack } from '@kappa/test/stack'
import avsc from 'avsc'
import { readIngestConfig } from '../config.ts'
import { createIngest } from '../service.ts'
import { published, readByPython, readRaw, versions } from './every-type.ts'
import { readLog, schemasFolder, testEnvironment } from './fixture.ts'

const topic = `registry-clients-${randomUUID()}`
const topicFile = { key: 'id', id: 'id', event_time: 'at', partitions: 2 }

/** What each version has that the first one has not, as read; `note` left with the third. */
const added: readonly object[] = [
  {},
  { carrier: 'none' },
  { carrier: 'UA', legs: [{ to: 'DEN' }, { to: 'SFO' }] },
]
const ids = versions.map((_, index) => `of-version-${index + 1}`)

let ingest: Awaited<ReturnType<typeof startWith>>
let records: IncomingRecord[]

/** An ingest as it is after `n` versions were deployed. */
async function startWith(n: number) {
  const files = versions
    .slice(0, n)
    .map((schema, index) => [`${topic}/${index + 1}.avsc`, JSON.stringify(schema)])
  const folder = await schemasFolder({
    ...Object.fromEntries(files),
    [`${topic}/topic.yaml`]: JSON.stringify(topicFile),
  })
  return await createIngest(readIngestConfig(testEnvironment(folder)))
}

async function publish(url: string, event: object): Promise<void> {
  const answer = await fetch(`${url}/v1/topics/${topic}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
  })
  assert.equal(answer.status, 200, await answer.clone().text())
}

/** Without what the given version does not have. */
function inVersion<T extends { note?: unknown }>(n: number, event: T): object {
  const { note, ...others } = event
  const kept = n === 3 ? others : { ...others, note }
  return { ...kept, ...added[n - 1], id: ids[n - 1] }
}

before(async () => {
  for (const n of [1, 2, 3]) {
    const deployed = await startWith(n)
    await publish(deployed.url, inVersion(n, published))
    if (n === versions.length) ingest = deployed
    else await deployed.stop()
  }
  records = await readLog(topic)
})
after(() => ingest.stop())

/** By the versions of the records. */
function inOrder<T extends { id: string }>(values: readonly T[]): T[] {
  return ids.map((id) => values.find((value) => value.id === id) ?? assert.fail(`no ${id}`))
}

test("Confluent's Python deserializer reads all types in all versions as they were published", async () => {
  const read = await askPython<{ key: string; value: { id: string } }[]>('read_topic', {
    brokers: testStack().kafkaBrokers,
    registry: ingest.url,
    topic,
    count: versions.length,
  })
  assert.deepEqual(
    inOrder(read.map(({ value }) => value)),
    ids.map((_, index) => inVersion(index + 1, readByPython)),
  )
  for (const { key, value } of read) assert.equal(key, value.id)
})

test('a Python consumer with a reader schema of its own sees every version in its form', async () => {
  const read = await askPython<{ value: { id: string } }[]>('read_topic', {
    brokers: testStack().kafkaBrokers,
    registry: ingest.url,
    topic,
    count: versions.length,
    reader_schema: JSON.stringify(versions[0]),
  })
  assert.deepEqual(
    inOrder(read.map(({ value }) => value)),
    ids.map((id) => ({ ...readByPython, id })),
  )
})

test('fastavro decodes each record with the schema that it finds by its id', async () => {
  const read = await askPython<{ id: string }[]>('decode_values', {
    registry: ingest.url,
    values: records.map(({ value }) => value?.toString('base64')),
  })
  assert.deepEqual(
    inOrder(read),
    ids.map((_, index) => inVersion(index + 1, readByPython)),
  )
})

/** avsc reads whole numbers above 2^53 only when it is told how. */
const long = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: () => assert.fail('nothing is written'),
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => Number(a > b) - Number(a < b),
})
const isLong = (schema: avsc.Schema) =>
  schema === 'long' || (typeof schema === 'object' && 'type' in schema && schema.type === 'long')

test('@kafkajs/confluent-schema-registry decodes every record', async () => {
  const typeHook = (schema: avsc.Schema) => (isLong(schema) ? long : undefined)
  const registry = new SchemaRegistry(
    { host: ingest.url },
    { [SchemaType.AVRO]: { typeHook: typeHook as NonNullable<avsc.ForSchemaOptions['typeHook']> } },
  )
  const values = await Promise.all(
    records.map(({ value }) => registry.decode(value ?? assert.fail('no value'))),
  )
  // Cloned, the classes of avsc and of buffers are the same on both sides.
  assert.deepEqual(
    structuredClone(inOrder(values)),
    structuredClone(ids.map((_, index) => inVersion(index + 1, readRaw))),
  )
})

test('@kafkajs/confluent-schema-registry finds ids by subject, version and schema', async () => {
  const registry = new SchemaRegistry({ host: ingest.url })
  const subject = `${topic}-value`
  const written = records.map(({ value }) => value?.readInt32BE(1))
  const found = await Promise.all([1, 2, 3].map((n) => registry.getRegistryId(subject, n)))
  assert.deepEqual(new Set(found), new Set(written))
  assert.equal(await registry.getLatestSchemaId(subject), found[2])
  const schema = versions[1] as avsc.Schema
  const bySchema = await registry.getRegistryIdBySchema(subject, {
    type: SchemaType.AVRO,
    schema: JSON.stringify(schema),
  })
  assert.equal(bySchema, found[1])
})
