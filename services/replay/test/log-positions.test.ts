import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { appendDelayMaxMs } from '@kappa/applications/stream-plan'
import { connectKafka } from '@kappa/kafka/connect'
import type { Kafka } from '@kappa/kafka/port'
import { testStack } from '@kappa/test/stack'
import { readLogBegins, readLogEnds } from '../log/log-ends.ts'
import { recordsByTopic } from '../log/log-size.ts'
import { sampleSlack } from '../log/sample-slack.ts'
import { resolveStarts } from '../log/start-offsets.ts'
import { streamSource } from './random-logs.ts'

const hourMs = 3_600_000
const year2013Ms = Date.UTC(2013)

let kafka: Kafka
before(async () => {
  kafka = await connectKafka({
    brokers: testStack().kafkaBrokers.split(','),
    clientId: 'log-positions-test',
    requestTimeoutMs: 15_000,
    connectTimeoutMs: 5_000,
  })
})
after(() => kafka?.close())

/** With timestamps of the broker, as the topics of contracts have them. */
async function newTopic(partitions: number): Promise<string> {
  const topic = `log-positions-${randomUUID()}`
  const config = { 'message.timestamp.type': 'LogAppendTime' }
  await kafka.admin.createTopics([{ topic, partitions, config }], 15_000)
  return topic
}

function recordOf(partition: number, headers: Readonly<Record<string, string>>) {
  return { key: null, value: Buffer.from('not decoded'), partition, headers }
}

function imported(partition: number, hour: number) {
  const highestMs = year2013Ms + hour * hourMs
  return recordOf(partition, { 'kappa-import': `${Date.now()};${highestMs};0` })
}

test('P2: slack and starts of an import, over the marks of transactions at its end', async () => {
  const topic = await newTopic(2)
  const producer = await kafka.transactionalProducer(`log-positions-${randomUUID()}`)
  try {
    // Record, mark, record, mark, …: hour n at offset 2 * n, the last offset is a mark.
    for (let hour = 0; hour < 20; hour++) {
      await producer.commit([{ topic, ...imported(0, hour) }])
      await producer.commit([{ topic, ...imported(1, hour) }])
    }
  } finally {
    await producer.close()
  }
  const source = streamSource({ topic, importDisorderMaxMs: 0 })
  const begins = await readLogBegins(kafka, [topic])
  const ends = await readLogEnds(kafka, [topic])
  assert.deepEqual(ends, { [topic]: { 0: '40', 1: '40' } })
  assert.deepEqual(recordsByTopic(begins, ends), { [topic]: 80 })

  const range = { from: begins[topic] ?? {}, to: ends[topic] ?? {} }
  const options = { samplesMax: 80, batchRecordsMax: 79 }
  const { slackMs, samples } = await sampleSlack(kafka, source, range, options)
  assert.equal(samples, 40)
  // Two batches: both partitions are together, but for a record a batch and the steps between.
  assert.ok(slackMs > 0 && slackMs <= 10 * hourMs, `${slackMs} ms`)

  const startsFrom = async (hour: number) => {
    const timestamp = new Date(year2013Ms + hour * hourMs).toISOString()
    const { starts, missing } = await resolveStarts(kafka, { timestamp }, [source])
    assert.deepEqual(missing, { [topic]: 0 })
    return starts[topic]
  }
  // After the mark of the hour before.
  assert.deepEqual(await startsFrom(0), { 0: '0', 1: '0' })
  assert.deepEqual(await startsFrom(7), { 0: '13', 1: '13' })
  assert.deepEqual(await startsFrom(19), { 0: '37', 1: '37' })
  assert.deepEqual(await startsFrom(20), { 0: '39', 1: '39' })
})

test("P2: without headers the broker's timestamps tell what can be in a record", async () => {
  const topic = await newTopic(2)
  const producer = kafka.producer()
  const beganMs = Date.now()
  try {
    await producer.send(topic, [imported(0, 0), imported(0, 1)])
    await producer.send(topic, [recordOf(0, {}), recordOf(1, {}), recordOf(1, {})])
  } finally {
    await producer.close()
  }
  const tookMs = Date.now() - beganMs
  const source = streamSource({ topic, latenessMs: 1_000, earlinessMs: 2_000 })
  const ends = (await readLogEnds(kafka, [topic]))[topic] ?? {}
  const range = { from: { 0: '2', 1: '0' }, to: ends }
  const options = { samplesMax: 10, batchRecordsMax: 1 }
  const { slackMs, samples } = await sampleSlack(kafka, source, range, options)
  assert.equal(samples, 3)
  const declaredMs = 1_000 + 2_000 + 2 * appendDelayMaxMs + 1
  assert.ok(slackMs >= declaredMs && slackMs <= declaredMs + tookMs, `${slackMs} ms`)

  const startsAt = async (epochMs: number) => {
    const from = { timestamp: new Date(epochMs).toISOString() }
    return (await resolveStarts(kafka, from, [source])).starts[topic]
  }
  assert.deepEqual(await startsAt(beganMs), { 0: '2', 1: '0' })
  assert.deepEqual(await startsAt(beganMs + hourMs), { 0: '3', 1: '2' })
  assert.deepEqual(await startsAt(year2013Ms + hourMs), { 0: '1', 1: '0' })
})
