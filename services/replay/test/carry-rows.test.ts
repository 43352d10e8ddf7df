import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { connectKafka } from '@kappa/kafka/connect'
import { partitionForKey } from '@kappa/kafka/murmur2'
import type { IncomingRecord, Kafka, OutgoingRecord, Producer } from '@kappa/kafka/port'
import { testStack } from '@kappa/test/stack'
import { type CarryJob, carryRows } from '../carrying/carry-rows.ts'
import { toRecord } from '../log/log-ends.ts'
import { foldChangelog } from './changelog-fold.ts'

const hourMs = 3_600_000
const firstHour = Date.parse('2013-01-01T00:00:00Z')
const hours = 48
const carriedHours = 30
const shops = 20
const partitions = { live: 3, target: 2 }

let kafka: Kafka
let producer: Producer

before(async () => {
  kafka = await connectKafka({
    brokers: testStack().kafkaBrokers.split(','),
    clientId: 'carry-test',
    requestTimeoutMs: 15_000,
    connectTimeoutMs: 5_000,
  })
  producer = kafka.producer()
})
after(async () => {
  await producer?.close()
  await kafka?.close()
})

function keyOf(shop: number, hour: number): Buffer {
  const time = new Date(firstHour + hour * hourMs).toISOString().replace('Z', '000Z')
  return Buffer.from(JSON.stringify([`shop ${shop}, é`, time]))
}

async function newTopic(count: number): Promise<string> {
  const topic = `carry-${randomUUID()}`
  const config = { 'cleanup.policy': 'compact' }
  await kafka.admin.createTopics([{ topic, partitions: count, config }], 10_000)
  return topic
}

function write(topic: string, count: number, records: readonly OutgoingRecord[]) {
  const placed = records.map((record) => ({
    ...record,
    partition: partitionForKey(record.key as Buffer, count),
  }))
  return producer.send(topic, placed)
}

/** Every row updated several times, some deleted, some by a batch that came too late. */
function liveRecords(): OutgoingRecord[] {
  const records: OutgoingRecord[] = []
  for (const batch of [10, 30, 20, 40]) {
    for (let hour = 0; hour < hours; hour += 1) {
      for (let shop = 0; shop < shops; shop += 1) {
        const isDeleted = batch === 40 && shop % 5 === 0
        if (batch === 40 && shop % 2 === 1) continue
        const value = isDeleted ? null : Buffer.from(`{"n":${batch},"text":"ü ${hour}"}`)
        const headers = { 'kappa-batch': String(batch), other: 'x' }
        records.push({ key: keyOf(shop, hour), value, headers })
      }
    }
  }
  return records
}

async function newJob(): Promise<CarryJob> {
  const changelog = { topic: await newTopic(partitions.live), partitions: partitions.live }
  await write(changelog.topic, partitions.live, liveRecords())
  const ends = toRecord(await kafka.admin.endOffsets(changelog.topic))
  // What came after the position that the plan looked at is none of the copy's business.
  const headers = { 'kappa-batch': '50' }
  await write(changelog.topic, partitions.live, [
    { key: keyOf(1, 0), value: Buffer.from('{"n":50}'), headers },
  ])
  return {
    live: { release: 7, view: { key: ['shop', 'hour'], changelog }, ends },
    changelog: { topic: await newTopic(partitions.target), partitions: partitions.target },
    plan: { timeColumn: 'hour', lastCarriedMs: firstHour + (carriedHours - 1) * hourMs },
  }
}

/** By the rule of the promise alone: newest batch, deletes gone, windows up to the timestamp. */
function expectedRows(): Map<string, string> {
  const rows: [string, string][] = []
  for (let shop = 0; shop < shops; shop += 1) {
    if (shop % 2 === 0 && shop % 5 === 0) continue
    for (let hour = 0; hour < carriedHours; hour += 1) {
      const batch = shop % 2 === 0 ? 40 : 30
      rows.push([String(keyOf(shop, hour)), `{"n":${batch},"text":"ü ${hour}"}`])
    }
  }
  return new Map(rows.sort(([a], [b]) => (a < b ? -1 : 1)))
}

async function readAll(topic: string): Promise<IncomingRecord[]> {
  const records: IncomingRecord[] = []
  for await (const record of kafka.readToEnd(topic)) records.push(record)
  return records
}

const noSignal = new AbortController().signal

test('carried rows are those of the live release, byte for byte, and say where they come from', async () => {
  const job = await newJob()
  const { values, deletes } = await carryRows(kafka, producer, job, noSignal)
  assert.deepEqual(await foldChangelog(kafka, job.changelog.topic), expectedRows())

  const copies = await readAll(job.changelog.topic)
  assert.equal(deletes, copies.filter(({ value }) => value === null).length)
  assert.equal(values + deletes, copies.length)
  const evenShops = shops / 2
  assert.equal(values + deletes, carriedHours * (3 * shops + evenShops))
  assert.equal(deletes, carriedHours * 2)
  for (const { key, partition, headers } of copies) {
    assert.equal(partition, partitionForKey(key as Buffer, partitions.target))
    assert.deepEqual(Object.keys(headers).sort(), ['kappa-batch', 'kappa-carried-from'])
    assert.equal(String(headers['kappa-carried-from']), '7')
  }
})

test('a copy that was interrupted is run again, and the rows are the same', async () => {
  const job = await newJob()
  const interrupt = new AbortController()
  const interrupted: Pick<Producer, 'send'> = {
    async send(topic, records) {
      const placements = await producer.send(topic, records)
      interrupt.abort(new Error('killed'))
      return placements
    },
  }
  await assert.rejects(carryRows(kafka, interrupted, job, interrupt.signal), /killed/)
  const partly = (await readAll(job.changelog.topic)).length
  const failing: Pick<Producer, 'send'> = {
    async send(topic, records) {
      await producer.send(topic, records.slice(0, 100))
      throw new Error('Kafka is away')
    },
  }
  await assert.rejects(carryRows(kafka, failing, job, noSignal), /Kafka is away/)
  const { values, deletes } = await carryRows(kafka, producer, job, noSignal)
  const copies = await readAll(job.changelog.topic)
  assert.ok(partly > 0 && partly < values + deletes)
  assert.ok(copies.length > values + deletes, 'the second run has written again')
  assert.deepEqual(await foldChangelog(kafka, job.changelog.topic), expectedRows())
})

test('rows that the live release has carried itself keep the mark of who computed them', async () => {
  const first = await newJob()
  await carryRows(kafka, producer, first, noSignal)
  const { changelog } = first
  const ends = toRecord(await kafka.admin.endOffsets(changelog.topic))
  const second: CarryJob = {
    live: { release: 8, view: { key: ['shop', 'hour'], changelog }, ends },
    changelog: { topic: await newTopic(1), partitions: 1 },
    plan: first.plan,
  }
  await carryRows(kafka, producer, second, noSignal)
  assert.deepEqual(await foldChangelog(kafka, second.changelog.topic), expectedRows())
  const marks = new Set(
    (await readAll(second.changelog.topic)).map(({ headers }) =>
      String(headers['kappa-carried-from']),
    ),
  )
  assert.deepEqual([...marks], ['7'])
})

test('a record that no release writes stops the copy and says where it lies', async () => {
  const headers = { 'kappa-batch': '1' }
  const time = '2013-01-01T00:00:00.000000Z'
  const wrong: [OutgoingRecord, RegExp][] = [
    [{ key: Buffer.from('shop'), value: null, headers }, /not JSON/],
    [{ key: Buffer.from('["shop"]'), value: null, headers }, /undefined where the window's time/],
    [{ key: Buffer.from('["shop","2013"]'), value: null, headers }, /"2013" where the window's/],
    [{ key: Buffer.from(`["shop","${time}"]`), value: null }, /no header kappa-batch/],
  ]
  const job = await newJob()
  for (const [record, reason] of wrong) {
    const topic = await newTopic(1)
    await producer.send(topic, [{ ...record, partition: 0 }])
    const view = { key: ['shop', 'hour'], changelog: { topic, partitions: 1 } }
    const live = { release: 7, view, ends: { 0: '1' } }
    await assert.rejects(carryRows(kafka, producer, { ...job, live }, noSignal), (error: Error) => {
      assert.match(error.message, reason)
      assert.ok(error.message.startsWith(`Record 0 of ${topic} partition 0 `))
      return true
    })
  }
})
