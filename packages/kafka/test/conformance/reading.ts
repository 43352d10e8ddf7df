import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Harness,
  hasCode,
  newTopic,
  readAll,
  soon,
  textRecord,
  uniqueName,
  withKafka,
} from './harness.ts'

export function readingConformance(name: string, harness: Harness): void {
  test(`${name}: reading to the end stops at a transaction's marker`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 2)
      const producer = await kafka.transactionalProducer(uniqueName('marker'))
      for (const text of ['a', 'b', 'c'])
        await producer.commit([{ topic, ...textRecord('k', text) }])
      const values = (await soon(readAll(kafka, topic), 5_000, 'reading')).map((r) =>
        String(r.value),
      )
      assert.deepEqual(values, ['a', 'b', 'c'])
    }))

  test(`${name}: reading to the end of an empty topic ends`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 3)
      assert.deepEqual(await soon(readAll(kafka, topic), 3_000, 'reading'), [])
    }))

  test(`${name}: reading to the end leaves out what came after the call`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 1)
      const producer = kafka.producer()
      await producer.send(topic, [textRecord('k', 'before')])
      const values: string[] = []
      for await (const record of kafka.readToEnd(topic)) {
        values.push(String(record.value))
        await producer.send(topic, [textRecord('k', 'after')])
      }
      assert.deepEqual(values, ['before'])
    }))

  test(`${name}: reading to the end of a missing topic says so at once`, () =>
    withKafka(harness, async (kafka) => {
      const reading = readAll(kafka, uniqueName('missing'))
      await soon(assert.rejects(reading, hasCode('unknown_topic')), 2_000, 'telling')
    }))

  test(`${name}: timestamps are the broker's where the topic says so`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 1, { 'message.timestamp.type': 'LogAppendTime' })
      const before = Date.now()
      await kafka.producer().send(topic, [textRecord('k', 'a'), textRecord('k', 'b')])
      const after = Date.now()
      for (const { timestamp } of await readAll(kafka, topic)) {
        assert.ok(timestamp >= before && timestamp <= after, `${before} ${timestamp} ${after}`)
      }
    }))
}
