import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partitionForKey } from '@kappa/kafka/murmur2'
import { KafkaError } from '@kappa/kafka/port'
import { NOT_LEADER, withPartitionError } from '@kappa/test/faults/produce-response'
import { API, ResponseDroppingProxy } from '@kappa/test/faults/response-dropping-proxy'
import { until } from '@kappa/test/until'
import {
  audit,
  configFor,
  type Harness,
  hasCode,
  newTopic,
  placed,
  soon,
  textRecord,
  uniqueName,
  withKafka,
  withProxiedKafka,
} from './harness.ts'

const PARTITIONS = 4
const texts = (count: number) => Array.from({ length: count }, (_, i) => `text ${i}`)

export function faultConformance(name: string, harness: Harness): void {
  test(`${name}: P1 NOT_LEADER for a part of a batch sends that part again, each record to its own partition`, () =>
    withProxiedKafka(harness, async (kafka, proxy) => {
      const topic = await newTopic(kafka, PARTITIONS)
      const producer = kafka.producer()
      // A new topic's leaders may refuse at first by themselves: each partition takes one before.
      const each = Array.from({ length: PARTITIONS }, (_, partition) => ({
        ...textRecord('k', 'first'),
        partition,
      }))
      await producer.send(topic, each)
      proxy.alterNext(API.produce, (response) => withPartitionError(response, 1, NOT_LEADER))
      const sent = texts(200)
      const places = await producer.send(
        topic,
        sent.map((text) => textRecord(text, text)),
      )
      const log = await audit(harness, topic)
      const found = new Set(log.map((record) => placed(record.value, record)))
      const lost = sent.filter((text, i) => {
        const place = places[i]
        return !place || !found.has(placed(text, place))
      })
      assert.deepEqual(lost, [])
      const times = Map.groupBy(log, ({ value }) => String(value))
      for (const text of sent) {
        const partition = partitionForKey(Buffer.from(text), PARTITIONS)
        // The broker had appended what it was made to refuse: that part is there twice.
        assert.equal(times.get(text)?.length, partition === 1 ? 2 : 1, text)
        assert.ok(times.get(text)?.every((record) => record.partition === partition))
      }
    }))

  test(`${name}: P1 an answer that comes after its time is taken for no other request's`, () =>
    withProxiedKafka(
      harness,
      async (kafka, proxy) => {
        const topic = await newTopic(kafka, 1)
        const producer = kafka.producer()
        await producer.send(topic, [textRecord('k', 'first')])
        proxy.delayNext(API.produce, 900)
        const acknowledged: string[] = []
        for (const text of texts(5)) {
          const [place] = await producer.send(topic, [textRecord('k', text)])
          assert.ok(place)
          acknowledged.push(placed(text, place))
        }
        const found = new Set((await audit(harness, topic)).map((r) => placed(r.value, r)))
        assert.deepEqual(
          acknowledged.filter((text) => !found.has(text)),
          [],
        )
      },
      { requestTimeoutMs: 500 },
    ))

  test(`${name}: P1 a connection that is gone without a word is noticed, and what was sent arrives`, () =>
    withProxiedKafka(
      harness,
      async (kafka, proxy) => {
        const topic = await newTopic(kafka, 1)
        const producer = kafka.producer()
        await producer.send(topic, [textRecord('k', 'before')])
        await kafka.readAt(topic, 0, 0n, 1)
        proxy.freeze()
        const sending = producer.send(topic, [textRecord('k', 'after')])
        await soon(sending, 5_000, 'sending')
        const reading = kafka.readAt(topic, 0, 1n, 1).catch((error: unknown) => {
          assert.ok(hasCode('unavailable')(error))
          return kafka.readAt(topic, 0, 1n, 1)
        })
        const [record] = await soon(reading, 5_000, 'reading')
        assert.equal(String(record?.value), 'after')
        const values = (await audit(harness, topic)).map(({ value }) => String(value))
        assert.deepEqual(values, ['before', 'after'])
      },
      { requestTimeoutMs: 700 },
    ))

  test(`${name}: a consumer whose connections are gone without a word goes on where it was`, () =>
    withProxiedKafka(
      harness,
      async (kafka, proxy) => {
        const topic = await newTopic(kafka, 1)
        const received: string[] = []
        const consumer = await kafka.consumer({
          groupId: uniqueName('frozen'),
          topics: [topic],
          from: 'beginning',
          onBatch: async ({ records }) => {
            received.push(...records.map(({ value }) => String(value)))
            return undefined
          },
        })
        const send = (text: string) =>
          withKafka(harness, (direct) => direct.producer().send(topic, [textRecord('k', text)]))
        await send('before')
        await until(
          () => received,
          (seen) => seen.includes('before'),
        )
        proxy.freeze()
        await send('after')
        await until(
          () => received,
          (seen) => seen.includes('after'),
        )
        assert.equal(received.filter((text) => text === 'after').length, 1)
        await consumer.close()
      },
      { requestTimeoutMs: 1_500 },
    ))

  test(`${name}: reading to the end goes on where an answer was lost`, () =>
    withProxiedKafka(harness, async (kafka, proxy) => {
      const topic = await newTopic(kafka, 1)
      const producer = kafka.producer()
      const sent = texts(20)
      for (const text of sent) await producer.send(topic, [textRecord('k', text)])
      for (const skip of [0, 1]) proxy.dropNext(API.fetch, 'close', skip)
      const values: string[] = []
      for await (const { value } of kafka.readToEnd(topic)) values.push(String(value))
      assert.deepEqual(values, sent)
      assert.ok(proxy.dropped > 0)
    }))

  test(`${name}: closing while everything connects ends in time, settles everything and leaves nothing open`, async () => {
    const proxy = await ResponseDroppingProxy.start(harness.brokers[0] as string)
    const bounds = { requestTimeoutMs: 700, connectTimeoutMs: 700 }
    const kafka = await harness.connect(configFor([proxy.address], bounds))
    try {
      const topic = await newTopic(kafka, 1)
      proxy.freezeAll()
      const producer = kafka.producer({ deliveryTimeoutMs: 1_000 })
      const waiting = [
        producer.send(topic, [textRecord('k', 'v')]),
        kafka.readAt(topic, 0, 0n, 1),
        kafka.admin.endOffsets(topic),
        kafka.transactionalProducer(uniqueName('connecting')),
        kafka.consumer({
          groupId: uniqueName('connecting'),
          topics: [topic],
          from: 'beginning',
          onBatch: async () => undefined,
        }),
      ]
      const outcomes = Promise.allSettled(waiting)
      await soon(kafka.close(), 5_000, 'closing')
      for (const outcome of await soon(outcomes, 10_000, 'settling')) {
        assert.ok(outcome.status === 'rejected' && outcome.reason instanceof KafkaError)
      }
      await until(
        () => proxy.openConnections,
        (open) => open === 0,
      )
    } finally {
      await proxy.stop()
    }
  })

  test(`${name}: a rebalance while a batch is handled loses no record, and no partition is handled by two at once`, async () => {
    const proxy = await ResponseDroppingProxy.start(harness.brokers[0] as string)
    const second = await harness.connect(configFor([proxy.address]))
    try {
      await withProxiedKafka(harness, async (first, firstProxy) => {
        const topic = await newTopic(first, 2)
        const send = (text: string) =>
          first.producer().send(
            topic,
            [0, 1].map((partition) => ({ ...textRecord(null, `${text} ${partition}`), partition })),
          )
        await send('early')
        const groupId = uniqueName('rebalance')
        const handled: string[] = []
        const busy = new Set<number>()
        let release: () => void = () => undefined
        const released = new Promise<void>((resolve) => {
          release = resolve
        })
        const shares = [0, 0]
        const member = (kafka: typeof first, index: number) =>
          kafka.consumer({
            groupId,
            topics: [topic],
            from: 'beginning',
            heartbeatIntervalMs: 200,
            onAssigned: (assigned) => {
              shares[index] = assigned.flatMap(({ partitions }) => partitions).length
            },
            onBatch: async ({ partition, records }) => {
              assert.ok(!busy.has(partition), `partition ${partition} is handled twice at once`)
              busy.add(partition)
              if (index === 0) await released
              busy.delete(partition)
              handled.push(...records.map(({ value }) => String(value)))
              return undefined
            },
          })
        const one = await member(first, 0)
        await until(
          () => busy.size,
          (size) => size > 0,
        )
        const joining = member(second, 1)
        await until(
          () => proxy.requests(API.joinGroup),
          (joins) => joins > 0,
        )
        // The first member is told of the other by a heartbeat, and goes on with what it has.
        const told = firstProxy.requests(API.heartbeat) + 2
        await until(
          () => firstProxy.requests(API.heartbeat),
          (beats) => beats >= told,
        )
        assert.equal(shares[1], 0)
        release()
        const two = await joining
        await until(
          () => shares,
          (now) => now.join() === '1,1',
        )
        await send('late')
        const wanted = ['early 0', 'early 1', 'late 0', 'late 1']
        await until(
          () => handled,
          (seen) => wanted.every((text) => seen.includes(text)),
        )
        await Promise.all([one.close(), two.close()])
        await Promise.all([one.finished, two.finished])
      })
    } finally {
      await second.close()
      await proxy.stop()
    }
  })

  test(`${name}: what could not be handled is what the next member of the group gets`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await newTopic(kafka, 1)
      await kafka.producer().send(
        topic,
        texts(3).map((text) => textRecord('k', text)),
      )
      const options = { groupId: uniqueName('poison'), topics: [topic], from: 'beginning' } as const
      const seen: string[] = []
      const poisoned = await kafka.consumer({
        ...options,
        maxRecordsPerBatch: 1,
        onBatch: async ({ records }) => {
          seen.push(String(records[0]?.value))
          if (seen.length === 2) throw new Error('poison')
          return undefined
        },
      })
      await soon(assert.rejects(poisoned.finished, hasCode('consumer_crashed')), 5_000, 'dying')
      await poisoned.close()
      const next: string[] = []
      const consumer = await kafka.consumer({
        ...options,
        onBatch: async ({ records }) => {
          next.push(...records.map(({ value }) => String(value)))
          return undefined
        },
      })
      await until(
        () => next,
        (values) => values.includes('text 2'),
      )
      assert.ok(next.includes('text 1'))
      await consumer.close()
    }))
}
