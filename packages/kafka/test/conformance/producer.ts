import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partitionForKey } from '@kappa/kafka/murmur2'
import type { Placement } from '@kappa/kafka/port'
import { API, ResponseDroppingProxy } from '@kappa/test/faults/response-dropping-proxy'
import fc from 'fast-check'
import {
  audit,
  configFor,
  type Harness,
  hasCode,
  newTopic,
  placed,
  readAll,
  soon,
  textRecord,
  uniqueName,
  withKafka,
  withProxiedKafka,
} from './harness.ts'

const PARTITIONS = 4

export function producerConformance(name: string, harness: Harness): void {
  test(`${name}: every placement is where the record can be read back`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, PARTITIONS)
      const producer = kafka.producer({ batchRecordsMax: 37 })
      const sent = new Map<string, Placement>()
      const sends = Array.from({ length: 40 }, async (_, send) => {
        const texts = Array.from({ length: 1 + send * 3 }, (_unused, i) => `${send}/${i}`)
        const records = texts.map((text, i) => textRecord(i % 5 === 0 ? null : `key ${i}`, text))
        const placements = await producer.send(topic, records)
        assert.equal(placements.length, texts.length)
        for (const [i, text] of texts.entries()) sent.set(text, placements[i] as Placement)
      })
      await Promise.all(sends)
      const found = await readAll(kafka, topic)
      const valueAt = new Map(found.map((r) => [`${r.partition}/${r.offset}`, String(r.value)]))
      for (const [text, { partition, offset }] of sent) {
        assert.equal(valueAt.get(`${partition}/${offset}`), text)
      }
      for (const { partition, key } of found) {
        if (key) assert.equal(partition, partitionForKey(key, PARTITIONS))
      }
    }))

  test(`${name}: the order of the sends holds within a partition`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 1)
      const producer = kafka.producer({ batchRecordsMax: 7 })
      await Promise.all(
        Array.from({ length: 50 }, (_, i) => producer.send(topic, [textRecord('k', String(i))])),
      )
      const values = (await readAll(kafka, topic)).map(({ value }) => Number(value))
      assert.deepEqual(
        values,
        Array.from({ length: 50 }, (_, i) => i),
      )
    }))

  test(`${name}: keys, values, headers and tombstones come back byte for byte`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 1)
      const producer = kafka.producer()
      const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
      const record = fc.record({
        key: fc.option(bytes),
        value: fc.option(bytes),
        headers: fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), bytes, { maxKeys: 4 }),
      })
      const samples = fc.sample(record, { numRuns: 200, seed: 20130101 })
      await producer.send(topic, samples)
      const found = await readAll(kafka, topic)
      assert.equal(found.length, samples.length)
      found.forEach(({ key, value, headers }, i) => {
        assert.deepEqual(
          { key, value, headers: { ...headers } },
          {
            key: samples[i]?.key,
            value: samples[i]?.value,
            headers: { ...samples[i]?.headers },
          },
        )
      })
    }))

  for (const how of ['close', 'silence'] as const) {
    test(`${name}: P1 no acknowledged record is lost when responses are lost (${how})`, () =>
      withProxiedKafka(
        harness,
        async (kafka, proxy) => {
          const topic = await newTopic(kafka, PARTITIONS)
          const producer = kafka.producer({ batchRecordsMax: 10 })
          await producer.send(topic, [textRecord('k', 'first')])
          for (const skip of [1, 2, 3]) proxy.dropNext(API.produce, how, skip)
          const acknowledged: string[] = []
          await Promise.all(
            Array.from({ length: 20 }, async (_, send) => {
              const texts = Array.from({ length: 10 }, (_unused, i) => `${send}/${i}`)
              const places = await producer.send(
                topic,
                texts.map((text) => textRecord(text, text)),
              )
              texts.forEach((text, i) => {
                acknowledged.push(placed(text, places[i] as Placement))
              })
            }),
          )
          assert.equal(proxy.dropped, 3)
          assert.equal(acknowledged.length, 200)
          const found = new Set((await audit(harness, topic)).map((r) => placed(r.value, r)))
          assert.deepEqual(
            acknowledged.filter((text) => !found.has(text)),
            [],
          )
        },
        { requestTimeoutMs: 700 },
      ))
  }

  test(`${name}: a lost response that no retry settles is unknown, never unavailable`, () =>
    withProxiedKafka(harness, async (kafka, proxy) => {
      const topic = await newTopic(kafka, 1)
      const producer = kafka.producer({ deliveryTimeoutMs: 1_500 })
      for (let i = 0; i < 50; i += 1) proxy.dropNext(API.produce, 'close')
      await assert.rejects(producer.send(topic, [textRecord('k', 'v')]), hasCode('unknown'))
    }))

  test(`${name}: with the broker gone a send is unavailable within its bound, and works again after`, async () => {
    const proxy = await ResponseDroppingProxy.start(harness.brokers[0] as string)
    const kafka = await harness.connect(configFor([proxy.address]))
    try {
      const topic = await newTopic(kafka, 1)
      const producer = kafka.producer({ deliveryTimeoutMs: 1_000 })
      await producer.send(topic, [textRecord('k', 'before')])
      await proxy.stop()
      const failing = () => producer.send(topic, [textRecord('k', 'lost')])
      // The first may be written to a connection whose end is not known yet.
      await soon(assert.rejects(failing(), hasCode('unavailable', 'unknown')), 3_000, 'failing')
      const outcomes = await soon(Promise.allSettled([failing(), failing()]), 3_000, 'failing')
      for (const outcome of outcomes) {
        assert.ok(outcome.status === 'rejected' && hasCode('unavailable')(outcome.reason))
      }
      await proxy.restart()
      await producer.send(topic, [textRecord('k', 'after')])
      await withKafka(harness, async (direct) => {
        assert.deepEqual(
          (await readAll(direct, topic)).map((r) => String(r.value)),
          ['before', 'after'],
        )
      })
    } finally {
      await soon(kafka.close(), 10_000, 'closing')
      await proxy.stop()
    }
  })

  test(`${name}: a topic that is not there is told at once`, () =>
    withKafka(harness, async (kafka) => {
      const send = kafka.producer().send(uniqueName('missing'), [textRecord('k', 'v')])
      await soon(assert.rejects(send, hasCode('unknown_topic')), 2_000, 'telling')
    }))

  test(`${name}: a topic that was deleted is told within the bound`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 2)
      const producer = kafka.producer()
      await producer.send(topic, [textRecord('k', 'v')])
      await kafka.admin.deleteTopics([topic], 10_000)
      const send = producer.send(topic, [textRecord('k', 'v')])
      await soon(assert.rejects(send, hasCode('unknown_topic')), 5_000, 'telling')
    }))

  test(`${name}: a partition that is not there is refused, not dropped in silence`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 2)
      const record = { ...textRecord('k', 'v'), partition: 2 }
      await assert.rejects(kafka.producer().send(topic, [record]), hasCode('unknown_topic'))
    }))

  test(`${name}: more than the queue's bound is refused at once, and the bound is named`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 1)
      const producer = kafka.producer({ queueBytesMax: 10_000 })
      const record = { key: null, value: Buffer.alloc(6_000) }
      const first = producer.send(topic, [record])
      await assert.rejects(producer.send(topic, [record]), (error: Error) => {
        assert.ok(hasCode('queue_full')(error))
        assert.match(error.message, /queueBytesMax \(10000 bytes\)/)
        return true
      })
      await first
      await producer.send(topic, [record])
    }))

  test(`${name}: a record over the topic's bound is refused alone, its neighbours arrive`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 1, { 'max.message.bytes': '2000' })
      const producer = kafka.producer()
      const small = Array.from({ length: 12 }, (_, i) =>
        producer.send(topic, [textRecord('k', `small ${i}`)]),
      )
      const large = producer.send(topic, [{ key: null, value: Buffer.alloc(5_000) }])
      const more = Array.from({ length: 12 }, (_, i) =>
        producer.send(topic, [textRecord('k', `more ${i}`)]),
      )
      await assert.rejects(large, hasCode('record_too_large'))
      await Promise.all([...small, ...more])
      const values = new Set((await readAll(kafka, topic)).map(({ value }) => String(value)))
      assert.equal(values.size, 24)
    }))

  test(`${name}: a record over the batch's bound is refused before anything is sent`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 1)
      const producer = kafka.producer({ batchBytesMax: 1_000 })
      const send = producer.send(topic, [
        textRecord('k', 'v'),
        { key: null, value: Buffer.alloc(2_000) },
      ])
      await assert.rejects(send, hasCode('record_too_large'))
      assert.equal((await readAll(kafka, topic)).length, 0)
    }))

  test(`${name}: close waits for what is in flight and refuses what comes later`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 1)
      const producer = kafka.producer()
      const send = producer.send(topic, [textRecord('k', 'v')])
      const closed = producer.close()
      await assert.rejects(producer.send(topic, [textRecord('k', 'late')]), hasCode('closed'))
      await closed
      assert.equal((await send).length, 1)
      await producer.close()
    }))
}
