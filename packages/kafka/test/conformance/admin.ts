import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { until } from '@kappa/test/until'
import {
  configFor,
  type Harness,
  hasCode,
  newTopic,
  soon,
  textRecord,
  uniqueName,
  withKafka,
} from './harness.ts'

export function adminConformance(name: string, harness: Harness): void {
  test(`${name}: a created topic can be written at once, an existing one is left as it is`, () =>
    withKafka(harness, async (kafka) => {
      const [first, second] = [uniqueName('first'), uniqueName('second')]
      const spec = { topic: first, partitions: 3 }
      assert.deepEqual(await kafka.admin.createTopics([spec], 10_000), [first])
      const both = [
        { topic: first, partitions: 5 },
        { topic: second, partitions: 8 },
      ]
      assert.deepEqual(await kafka.admin.createTopics(both, 10_000), [second])
      assert.equal(await kafka.admin.partitionCount(first), 3)
      assert.equal(await kafka.admin.partitionCount(second), 8)
      const records = Array.from({ length: 8 }, (_, partition) => ({
        ...textRecord(null, 'v'),
        partition,
      }))
      await kafka.producer({ deliveryTimeoutMs: 2_000 }).send(second, records)
      const topics = await kafka.admin.listTopics()
      assert.ok(topics.includes(first) && topics.includes(second))
    }))

  test(`${name}: two that create the same topic at once both find it`, () =>
    withKafka(harness, async (kafka) => {
      const spec = { topic: uniqueName('race'), partitions: 2 }
      const created = await Promise.all(
        [1, 2, 3].map(() => kafka.admin.createTopics([spec], 10_000)),
      )
      assert.equal(created.flat().length, 1)
    }))

  test(`${name}: a deleted topic is gone, deleting it again is nothing`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 1)
      await kafka.admin.deleteTopics([topic], 10_000)
      assert.equal(await kafka.admin.partitionCount(topic), undefined)
      await kafka.admin.deleteTopics([topic], 10_000)
    }))

  test(`${name}: offsets by begin, end and time`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 2, { 'message.timestamp.type': 'LogAppendTime' })
      const producer = kafka.producer()
      const record = { ...textRecord(null, 'v'), partition: 0 }
      const at = (offset: bigint) => [
        { partition: 0, offset },
        { partition: 1, offset: 0n },
      ]
      await producer.send(topic, [record, record, record])
      const later = Date.now() + 1
      while (Date.now() < later) await kafka.admin.listTopics()
      await producer.send(topic, [record, record])
      assert.deepEqual(await kafka.admin.beginOffsets(topic), at(0n))
      assert.deepEqual(await kafka.admin.endOffsets(topic), at(5n))
      assert.deepEqual(await kafka.admin.offsetsAt(topic, later), at(3n))
      assert.deepEqual(await kafka.admin.offsetsAt(topic, 0), at(0n))
      assert.deepEqual(await kafka.admin.offsetsAt(topic, Date.now() + 3_600_000), at(5n))
      await assert.rejects(kafka.admin.endOffsets(uniqueName('missing')), hasCode('unknown_topic'))
    }))

  test(`${name}: deleting a group that is not there is nothing`, () =>
    withKafka(harness, (kafka) => kafka.admin.deleteGroup(uniqueName('group'))))

  test(`${name}: a group is listed, kept while it has a member, and then deleted`, () =>
    withKafka(harness, async (kafka) => {
      const groupId = uniqueName('group')
      const consumer = await kafka.consumer({
        groupId,
        topics: [await newTopic(kafka, 1)],
        from: 'beginning',
        onBatch: async () => undefined,
      })
      await until(
        () => kafka.admin.listGroups(),
        (groups) => groups.includes(groupId),
      )
      await assert.rejects(kafka.admin.deleteGroup(groupId), hasCode('unavailable'))
      await consumer.close()
      await kafka.admin.deleteGroup(groupId)
      assert.ok(!(await kafka.admin.listGroups()).includes(groupId))
    }))

  test(`${name}: no broker, or one that says nothing, is unavailable within the bound`, async () => {
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const address = silent.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const bounds = { connectTimeoutMs: 500, requestTimeoutMs: 500 }
    for (const broker of ['127.0.0.1:1', `127.0.0.1:${port}`]) {
      const connecting = harness.connect(configFor([broker], bounds))
      await soon(assert.rejects(connecting, hasCode('unavailable')), 2_000, broker)
    }
    silent.close()
  })

  test(`${name}: with one broker address dead the next one is used`, async () => {
    const brokers = ['127.0.0.1:1', ...harness.brokers]
    const kafka = await harness.connect(configFor(brokers))
    try {
      assert.ok(Array.isArray(await kafka.admin.listTopics()))
    } finally {
      await kafka.close()
    }
  })
}
