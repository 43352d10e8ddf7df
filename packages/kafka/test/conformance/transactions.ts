import assert from 'node:assert/strict'
import { test } from 'node:test'
import { API } from '@kappa/test/faults/response-dropping-proxy'
import {
  type Harness,
  hasCode,
  newTopic,
  readAll,
  textRecord,
  uniqueName,
  withKafka,
  withProxiedKafka,
} from './harness.ts'

export function transactionConformance(name: string, harness: Harness): void {
  test(`${name}: a commit over several topics is there as a whole, transaction after transaction`, () =>
    withKafka(harness, async (kafka) => {
      const topics = [await newTopic(kafka, 1), await newTopic(kafka, 3)]
      const producer = await kafka.transactionalProducer(uniqueName('transactions'))
      for (let i = 0; i < 10; i += 1) {
        await producer.commit(
          topics.flatMap((topic) => [
            { topic, ...textRecord('a', `${i} a`) },
            { topic, ...textRecord('b', `${i} b`) },
          ]),
        )
      }
      for (const topic of topics) {
        const values = (await readAll(kafka, topic)).map(({ value }) => String(value)).sort()
        const wanted = Array.from({ length: 10 }, (_, i) => [`${i} a`, `${i} b`])
          .flat()
          .sort()
        assert.deepEqual(values, wanted)
      }
    }))

  test(`${name}: a newer producer of the id fences the older one, which can commit nothing more`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 1)
      const id = uniqueName('fenced')
      const older = await kafka.transactionalProducer(id)
      await older.commit([{ topic, ...textRecord('k', 'older') }])
      const newer = await kafka.transactionalProducer(id)
      const late = { topic, ...textRecord('k', 'too late') }
      await assert.rejects(older.commit([late]), hasCode('fenced'))
      await assert.rejects(older.commit([late]), hasCode('fenced'))
      await newer.commit([{ topic, ...textRecord('k', 'newer') }])
      const values = (await readAll(kafka, topic)).map(({ value }) => String(value))
      assert.deepEqual(values, ['older', 'newer'])
    }))

  test(`${name}: a commit that fails halfway leaves nothing to read, and what is acknowledged later is there`, () =>
    withKafka(harness, async (kafka) => {
      const good = await newTopic(kafka, 1)
      const strict = await newTopic(kafka, 1, { 'max.message.bytes': '500' })
      const id = uniqueName('halfway')
      const producer = await kafka.transactionalProducer(id)
      const failing = producer.commit([
        { topic: good, ...textRecord('k', 'half') },
        { topic: strict, key: null, value: Buffer.alloc(2_000) },
      ])
      await assert.rejects(failing, hasCode('unavailable'))
      const acknowledged: string[] = []
      for (const text of ['same producer', 'next producer']) {
        const current = text === 'same producer' ? producer : await kafka.transactionalProducer(id)
        await current.commit([{ topic: good, ...textRecord('k', text) }]).then(
          () => acknowledged.push(text),
          () => undefined,
        )
      }
      const values = (await readAll(kafka, good)).map(({ value }) => String(value))
      assert.deepEqual(values, acknowledged)
      assert.ok(acknowledged.includes('next producer'))
    }))

  test(`${name}: an unknown topic in a commit is named so and commits nothing`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 1)
      const producer = await kafka.transactionalProducer(uniqueName('missing'))
      const failing = producer.commit([
        { topic, ...textRecord('k', 'half') },
        { topic: uniqueName('missing'), ...textRecord('k', 'v') },
      ])
      await assert.rejects(failing, hasCode('unknown_topic'))
      assert.equal((await readAll(kafka, topic)).length, 0)
    }))

  test(`${name}: a lost answer to a commit is unknown, and the producer stops acting`, () =>
    withProxiedKafka(harness, async (kafka, proxy) => {
      const topic = await newTopic(kafka, 1)
      const id = uniqueName('lost')
      const producer = await kafka.transactionalProducer(id)
      await producer.commit([{ topic, ...textRecord('k', 'first') }])
      proxy.dropNext(API.endTxn, 'close')
      const lost = producer.commit([{ topic, ...textRecord('k', 'doubtful') }])
      await assert.rejects(lost, hasCode('unknown'))
      const after = producer.commit([{ topic, ...textRecord('k', 'after') }])
      await assert.rejects(after, hasCode('closed'))
      const next = await kafka.transactionalProducer(id)
      await next.commit([{ topic, ...textRecord('k', 'next') }])
      const values = (await readAll(kafka, topic)).map(({ value }) => String(value))
      // The broker had committed it: "not committed" would have been a lie.
      assert.deepEqual(values, ['first', 'doubtful', 'next'])
    }))

  test(`${name}: a lost answer to a record of a transaction neither loses nor doubles it`, () =>
    withProxiedKafka(harness, async (kafka, proxy) => {
      const topic = await newTopic(kafka, 1)
      const id = uniqueName('lost-record')
      const producer = await kafka.transactionalProducer(id)
      proxy.dropNext(API.produce, 'close')
      const outcome = await producer.commit([{ topic, ...textRecord('k', 'once') }]).then(
        () => 'committed',
        (error: { code: string }) => error.code,
      )
      const values = (await readAll(kafka, topic)).map(({ value }) => String(value))
      assert.ok(outcome === 'committed' || outcome === 'unavailable', outcome)
      assert.deepEqual(values, outcome === 'committed' ? ['once'] : [])
    }))
}
