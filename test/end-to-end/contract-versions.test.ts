import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { schemaIdOf } from '@kappa/contracts/schema-id'
import { toWireFormat } from '@kappa/contracts/wire-format'
import { connectKafka } from '@kappa/kafka/connect'
import type { Kafka } from '@kappa/kafka/port'
import { Platform } from '../platform/platform.ts'
import { getJson } from '../platform/platform-client.ts'
import { waitFor } from '../platform/wait.ts'
import { askPython } from '../python.ts'
import { testStack } from '../stack.ts'

const namespace = 'e2e-versions'
const topic = `${namespace}.delays`
const folder = join(testStack().stateFolder, `${namespace}-files`)
const applicationsFolder = join(folder, 'applications')
const schemasFolder = join(folder, 'schemas')

const first = {
  type: 'record',
  name: 'Delay',
  fields: [
    { name: 'event_id', type: 'string' },
    { name: 'carrier', type: 'string' },
    { name: 'minutes', type: 'int' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
}
const gate = { name: 'gate', type: ['null', 'string'], default: null }
const second = { ...first, fields: [...first.fields, gate] }

type Delay = { event_id: string; carrier: string; minutes: number; at: number; gate?: string }

test('a version of a contract goes live beside a running release, which loses and doubles nothing', async () => {
  writeContract('topic.yaml', { key: 'carrier', id: 'event_id', event_time: 'at', partitions: 2 })
  writeContract('1.avsc', first)
  writeApplication({ undecodableEventsMax: 2 })
  const platform = await Platform.start({
    namespace,
    redisDatabase: 7,
    applicationsFolder,
    schemasFolder,
  })
  const kafka = await connectTestKafka()
  const counted: Delay[] = []
  try {
    await platform.untilLive('delays')
    const early = delays('first', 40)
    counted.push(...early)
    await publish(platform, early)
    await untilRowsAre(platform, counted)

    // One record more than the bound allows cannot be decoded: the release stops, and says which.
    const places = await produceUndecodable(kafka)
    const { cause } = await untilState(platform, 'failed')
    assert.match(
      cause ?? '',
      /3 records in the stream delays that cannot be decoded, more than the 2/,
    )
    const { batch } = await assertListed(platform, places)

    // Ingest learns of version 2 before the release does, which is live all the same.
    writeContract('2.avsc', second)
    platform.ingest = await restart(platform, 'ingest')
    assert.deepEqual(await publishable(platform), [true, false])
    const [, pending] = await versionsOf(platform)
    assert.deepEqual(
      pending?.blocked_by.map(({ application, release }) => `${application}/${release}`),
      ['delays/1'],
    )
    const refused = await send(platform, delays('too-soon', 1), '?version=2')
    assert.equal(refused.status, 409)
    const { error } = (await refused.json()) as { error: { code: string; message: string } }
    assert.equal(error.code, 'version_not_publishable')
    assert.match(error.message, /delays\/1 .*Restart replay.*publish version 1/)
    const between = delays('between', 10)
    counted.push(...between)
    await publish(platform, between)
    const byLatest = delays('by-latest', 10)
    counted.push(...byLatest)
    await produceInPython(platform, byLatest, {})
    assert.equal((await schemaIdsIn(kafka)).get(schemaIdOf(second)), undefined)

    // With a higher bound the release goes on from its checkpoint, and with version 2; ingest runs on.
    writeApplication({ undecodableEventsMax: 3 })
    platform.replay = await restart(platform, 'replay')
    await waitFor(
      'version 2 being publishable',
      async () => ((await publishable(platform))[1] ? true : undefined),
      180_000,
    )
    const later = delays('later', 20).map((event) => ({ ...event, gate: 'B7' }))
    const older = delays('older', 20)
    const python = delays('python', 10)
    counted.push(...later, ...older, ...python)
    await publish(platform, later)
    await publish(platform, older, '?version=1')
    await produceInPython(platform, python, { schema: JSON.stringify(first) })
    // Sent again, some as another version: the state of before the restart knows them.
    await publish(platform, early.slice(0, 20))
    await publish(platform, between, '?version=1')
    await untilRowsAre(platform, counted)

    const ids = await schemaIdsIn(kafka)
    assert.equal(ids.get(schemaIdOf(second)), later.length + 20)
    const status = await platform.releaseStatus('delays')
    assert.equal(status.release, 1)
    const position = await assertListed(platform, places)
    assert.ok(position.batch > batch, 'it went on from its checkpoint')
    assert.equal(position.complete, true)
  } finally {
    await kafka.close()
    await platform.stop()
  }
})

function writeContract(file: string, value: object): void {
  const path = join(schemasFolder, topic)
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, file), JSON.stringify(value))
}

function writeApplication({ undecodableEventsMax }: { undecodableEventsMax: number }): void {
  const path = join(applicationsFolder, 'delays')
  mkdirSync(join(path, 'views'), { recursive: true })
  const stream = { topic, undecodable_events_max: undecodableEventsMax }
  const application = {
    application: 'delays',
    streams: { delays: stream },
    views: { carriers: { key: ['carrier'] } },
  }
  writeFileSync(join(path, 'application.yaml'), JSON.stringify(application))
  const sql =
    'SELECT carrier, count(*) AS events, sum(minutes) AS minutes FROM delays GROUP BY carrier'
  writeFileSync(join(path, 'views', 'carriers.sql'), sql)
}

/** Events that happen now, over three carriers, with ids that begin with `label`. */
function delays(label: string, count: number): Delay[] {
  return Array.from({ length: count }, (_, index) => ({
    event_id: `${label}-${index}`,
    carrier: ['UA', 'AA', 'DL'][index % 3] ?? '',
    minutes: index,
    at: Date.now() - index * 1_000,
  }))
}

function send(platform: Platform, events: readonly Delay[], query = ''): Promise<Response> {
  return fetch(`${platform.ingest.url}/v1/topics/${topic}/events${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  })
}

async function publish(platform: Platform, events: readonly Delay[], query = ''): Promise<void> {
  const answer = await send(platform, events, query)
  assert.equal(answer.status, 200, await answer.clone().text())
}

/** By Confluent's producer and serializer, with the schema or, without one, the registry's latest. */
async function produceInPython(
  platform: Platform,
  events: readonly Delay[],
  { schema }: { schema?: string },
): Promise<void> {
  await askPython('produce', {
    brokers: testStack().kafkaBrokers,
    registry: platform.ingest.url,
    topic,
    key_field: 'carrier',
    events,
    ...(schema ? { schema, serializer: { 'auto.register.schemas': false } } : {}),
  })
}

async function restart(platform: Platform, name: 'ingest' | 'replay') {
  await platform[name].stop()
  return platform.startService(name)
}

function untilState(platform: Platform, state: string) {
  return waitFor(
    `the release being ${state}`,
    async () => {
      const release = await platform.releaseStatus('delays')
      return release.state === state ? release : undefined
    },
    120_000,
  )
}

/** The rows are a fold over the events, each counted once, whatever wrote it. */
async function untilRowsAre(platform: Platform, events: readonly Delay[]): Promise<void> {
  await platform.untilCurrent('delays', ['carriers'])
  const expected = new Map<string, { carrier: string; events: number; minutes: number }>()
  for (const { carrier, minutes } of events) {
    const row = expected.get(carrier) ?? { carrier, events: 0, minutes: 0 }
    expected.set(carrier, { carrier, events: row.events + 1, minutes: row.minutes + minutes })
  }
  const rows = await platform.allRows('delays', 'carriers')
  const byCarrier = (a: { carrier?: unknown }, b: { carrier?: unknown }) =>
    String(a.carrier) < String(b.carrier) ? -1 : 1
  assert.deepEqual([...rows].sort(byCarrier), [...expected.values()].sort(byCarrier))
}

interface Version {
  readonly publishable: boolean
  readonly blocked_by: readonly { application: string; release: number; reason: string }[]
}

async function versionsOf(platform: Platform): Promise<readonly Version[]> {
  const answer = await getJson(`${platform.ingest.url}/v1/topics/${topic}`)
  return (answer as { versions: Version[] }).versions
}

async function publishable(platform: Platform): Promise<boolean[]> {
  return (await versionsOf(platform)).map((version) => version.publishable)
}

interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly reason: RegExp
}

/** What producers without our contracts may write: none of it is an event. */
async function produceUndecodable(kafka: Kafka): Promise<Place[]> {
  const kinds: [Buffer, RegExp][] = [
    [Buffer.from('{"carrier": "UA"}'), /not in the wire format/],
    [toWireFormat(123, Buffer.alloc(8)), /schema id 123 is unknown/],
    [toWireFormat(schemaIdOf(first), Buffer.from([10, 65])), /not Avro of its schema.*event_id/],
  ]
  const producer = kafka.producer()
  const placements = await producer.send(
    topic,
    kinds.map(([value]) => ({ key: null, value })),
  )
  await producer.close()
  return kinds.map(([, reason], index) => {
    const { partition = -1, offset = -1n } = placements[index] ?? {}
    return { topic, partition, offset: String(offset), reason }
  })
}

/** Exactly these are counted and listed. */
async function assertListed(platform: Platform, places: readonly Place[]) {
  const [view] = (await platform.releaseStatus('delays')).views
  assert.ok(view)
  const { undecodable_events, undecodable_newest: listed = [] } = view.position
  assert.equal(undecodable_events, places.length)
  assert.equal(listed.length, places.length)
  for (const { reason, ...place } of places) {
    const found = listed.find(
      ({ partition, offset }) => partition === place.partition && offset === place.offset,
    )
    assert.equal(found?.topic, topic)
    assert.match(found.reason, reason)
  }
  return view.position
}

/** How many records of the log have each schema id, read from Kafka itself. */
async function schemaIdsIn(kafka: Kafka): Promise<Map<number, number>> {
  const ids = new Map<number, number>()
  for await (const { value } of kafka.readToEnd(topic)) {
    if (value === null || value.length < 5 || value[0] !== 0) continue
    const id = value.readInt32BE(1)
    ids.set(id, (ids.get(id) ?? 0) + 1)
  }
  return ids
}

function connectTestKafka(): Promise<Kafka> {
  return connectKafka({
    brokers: testStack().kafkaBrokers.split(','),
    clientId: 'contract-versions-test',
    requestTimeoutMs: 15_000,
    connectTimeoutMs: 5_000,
  })
}
