import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { askPython } from '@kappa/test/python'
import { testStack } from '@kappa/test/stack'
import { type Delay, decode, delay, delaySchema, readLog, TestIngest } from './fixture.ts'

let ingest: TestIngest
const labels = ['keys', 'registering', 'refused']
before(async () => {
  ingest = await TestIngest.start(labels, { topicFile: { partitions: 7 } })
})
after(() => ingest.stop())

interface Place {
  readonly partition: number
  readonly offset: number
}

/** As an application in Python would write: Confluent's producer with its AvroSerializer. */
function produce(label: string, events: readonly Delay[], more: object = {}): Promise<Place[]> {
  return askPython('produce', {
    brokers: testStack().kafkaBrokers,
    registry: ingest.url,
    topic: ingest.topic(label),
    key_field: 'tail_number',
    events,
    ...more,
  })
}

test('what a Python producer writes is as if ingest had: schema id, value, key, partition', async () => {
  const tails = Array.from({ length: 60 }, (_, n) => `N${n * 7919}✈${'x'.repeat(n % 5)}`)
  const note = 'geschrieben von anderen'
  const theirs = tails.map((tail_number) => delay({ tail_number, note }))
  const places = await produce('keys', theirs)
  const { status } = await ingest.publish(
    'keys',
    tails.map((tail_number) => delay({ tail_number, note })),
  )
  assert.equal(status, 200)

  const log = await readLog(ingest.topic('keys'))
  assert.equal(log.length, 2 * tails.length)
  assert.equal(new Set(log.map(({ value }) => value?.readInt32BE(1))).size, 1)
  const partitions = new Map(tails.map((tail) => [tail, new Set<number>()]))
  for (const { key, partition } of log) partitions.get(String(key))?.add(partition)
  for (const [tail, each] of partitions) assert.equal(each.size, 1, `${tail} on one partition`)
  assert.ok(new Set(log.map(({ partition }) => partition)).size > 3, 'spread over partitions')
  for (const [index, event] of theirs.entries()) {
    const place = places[index]
    const record = log.find(
      ({ partition, offset }) => partition === place?.partition && Number(offset) === place.offset,
    )
    assert.deepEqual({ ...decode(record ?? assert.fail()) }, event)
  }
})

test('a serializer that registers its schema first works when the contract has that schema', async () => {
  const event = delay({ note: 'registered' })
  const schema = JSON.stringify({ doc: 'as its application says it', ...delaySchema })
  await produce('registering', [event], { schema, serializer: {} })
  const [record] = await readLog(ingest.topic('registering'))
  assert.deepEqual({ ...decode(record ?? assert.fail()) }, event)
})

test('a serializer with another schema is refused before it writes, and told where contracts live', async () => {
  const field = { name: 'gate', type: ['null', 'string'], default: null }
  const schema = JSON.stringify({ ...delaySchema, fields: [...delaySchema.fields, field] })
  const registering = produce('refused', [delay()], { schema, serializer: {} })
  await assert.rejects(registering, /contracts live in git/)
  const lookingUp = { schema, serializer: { 'auto.register.schemas': false } }
  await assert.rejects(
    produce('refused', [delay()], lookingUp),
    /versions\/latest has the one to write with/,
  )
  assert.deepEqual(await readLog(ingest.topic('refused')), [])
})
