import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deleteRecords } from '../delete-records.ts'
import {
  type Harness,
  hasCode,
  newTopic,
  readAll,
  soon,
  textRecord,
  uniqueName,
  withKafka,
  withProxiedKafka,
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

  test(`${name}: records are read by their place, bounded in number, none at the end`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 2)
      const records = ['a', 'b', 'c', 'd'].map((text) => ({
        ...textRecord(text, text),
        partition: 1,
      }))
      const placements = await kafka.producer().send(topic, records)
      const at = async (offset: bigint, recordsMax: number) =>
        (await kafka.readAt(topic, 1, offset, recordsMax)).map((r) => `${r.value}@${r.offset}`)
      assert.deepEqual(await at(placements[1]?.offset as bigint, 1), ['b@1'])
      assert.deepEqual(await at(1n, 2), ['b@1', 'c@2'])
      assert.deepEqual(await at(2n, 100), ['c@2', 'd@3'])
      assert.deepEqual(await at(4n, 100), [])
      assert.deepEqual(await kafka.readAt(topic, 0, 0n, 100), [])
    }))

  test(`${name}: reading by place goes past markers and leaves out what was aborted or is open`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 1)
      const producer = await kafka.transactionalProducer(uniqueName('place'))
      for (const text of ['a', 'b']) await producer.commit([{ topic, ...textRecord('k', text) }])
      const values = async (offset: bigint) =>
        (await kafka.readAt(topic, 0, offset, 1)).map(({ value }) => String(value))
      // Offset 1 is the marker of the first transaction.
      assert.deepEqual(await values(1n), ['b'])
      assert.deepEqual(await values(3n), [])
    }))

  test(`${name}: reading from where the log is not says so, and other topics can be read on`, () =>
    withKafka(harness, async (kafka) => {
      const [topic, gone] = [await newTopic(kafka, 1), await newTopic(kafka, 1)]
      const record = textRecord('k', 'v')
      await kafka.producer().send(topic, [record, record])
      await deleteRecords(harness.brokers, topic, 1n)
      await assert.rejects(kafka.readAt(topic, 0, 0n, 1), hasCode('offset_out_of_range'))
      await assert.rejects(kafka.readAt(topic, 0, 3n, 1), hasCode('offset_out_of_range'))
      await assert.rejects(kafka.readAt(topic, 1, 0n, 1), hasCode('unknown_topic'))
      assert.deepEqual(await kafka.readAt(gone, 0, 0n, 1), [])
      await kafka.admin.deleteTopics([gone], 10_000)
      const missing = [gone, uniqueName('missing')]
      for (const name of missing) {
        const reading = kafka.readAt(name, 0, 0n, 1)
        await soon(assert.rejects(reading, hasCode('unknown_topic')), 2_000, 'telling')
      }
      assert.equal((await kafka.readAt(topic, 0, 1n, 1)).length, 1)
      assert.equal((await kafka.readAt(await newTopic(kafka, 1), 0, 0n, 1)).length, 0)
    }))

  test(`${name}: many reads by place use one connection`, () =>
    withProxiedKafka(harness, async (kafka, proxy) => {
      const topic = await newTopic(kafka, 1)
      await kafka.producer().send(topic, [textRecord('k', 'v')])
      await kafka.readAt(topic, 0, 0n, 1)
      const before = proxy.connections
      const reads = Array.from({ length: 50 }, () => kafka.readAt(topic, 0, 0n, 1))
      assert.equal((await Promise.all(reads)).flat().length, 50)
      assert.equal(proxy.connections, before)
    }))
}
