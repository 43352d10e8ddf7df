import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Batch, ConsumerOptions, Kafka } from '@kappa/kafka/port'
import { ResponseDroppingProxy } from '@kappa/test/faults/response-dropping-proxy'
import { deleteRecords } from '../delete-records.ts'
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

/** Collects what a consumer is given, and waits for it. */
class Received {
  readonly batches: Batch[] = []
  readonly #waiting: { count: number; resolve: () => void }[] = []

  readonly onBatch = async (batch: Batch): Promise<undefined> => {
    this.batches.push(batch)
    for (const { count, resolve } of this.#waiting) if (this.values.length >= count) resolve()
  }

  get values(): string[] {
    return this.batches.flatMap(({ records }) => records.map(({ value }) => String(value)))
  }

  async count(count: number): Promise<string[]> {
    const reached = new Promise<void>((resolve) => {
      this.#waiting.push({ count, resolve })
      if (this.values.length >= count) resolve()
    })
    await soon(reached, 10_000, `receiving ${count} records`)
    return this.values
  }
}

async function filled(kafka: Kafka, partitions: number, count: number): Promise<string> {
  const topic = await newTopic(kafka, partitions)
  const records = Array.from({ length: count }, (_, i) => ({
    ...textRecord(null, String(i)),
    partition: i % partitions,
  }))
  await kafka.producer().send(topic, records)
  return topic
}

function optionsFor(topic: string, received: Received): ConsumerOptions {
  return {
    groupId: uniqueName('group'),
    topics: [topic],
    from: 'beginning',
    onBatch: received.onBatch,
  }
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => String(from + i))

export function consumerConformance(name: string, harness: Harness): void {
  test(`${name}: every record comes once and in order, in batches within the bound`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await filled(kafka, 1, 100)
      const received = new Received()
      const options = { ...optionsFor(topic, received), maxRecordsPerBatch: 7 }
      const consumer = await kafka.consumer(options)
      assert.deepEqual(await received.count(100), numbers(0, 100))
      for (const { records, endOffset } of received.batches) {
        assert.ok(records.length <= 7)
        assert.equal(endOffset, 100n)
      }
      await consumer.close()
      await consumer.finished
    }))

  test(`${name}: committed offsets are where the next one of the group starts`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await filled(kafka, 1, 10)
      const first = new Received()
      const options = optionsFor(topic, first)
      const consumer = await kafka.consumer(options)
      await first.count(10)
      await consumer.close()
      await kafka.producer().send(topic, [textRecord(null, 'next')])
      const second = new Received()
      await kafka.consumer({ ...options, onBatch: second.onBatch })
      assert.deepEqual(await second.count(1), ['next'])
    }))

  test(`${name}: startAt decides before any record comes, undefined falls back`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await filled(kafka, 2, 20)
      const received = new Received()
      const assigned: unknown[] = []
      await kafka.consumer({
        ...optionsFor(topic, received),
        commit: false,
        startAt: async (_topic, partition) => {
          // Long enough for a fetch that did not wait for the answer to arrive.
          for (let i = 0; i < 100; i += 1) await kafka.admin.listTopics()
          return partition === 0 ? 7n : undefined
        },
        onAssigned: (partitions) => assigned.push(...partitions),
      })
      await received.count(13)
      assert.deepEqual(assigned, [{ topic, partitions: [0, 1] }])
      const offsets = (partition: number) =>
        received.batches
          .filter((batch) => batch.partition === partition)
          .flatMap(({ records }) => records.map(({ offset }) => Number(offset)))
      assert.deepEqual(offsets(0), [7, 8, 9])
      assert.deepEqual(offsets(1), numbers(0, 10).map(Number))
    }))

  test(`${name}: seekTo and seek jump, and nothing comes twice besides`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await filled(kafka, 1, 10)
      const received = new Received()
      let jumped = false
      const consumer = await kafka.consumer({
        ...optionsFor(topic, received),
        commit: false,
        maxRecordsPerBatch: 4,
        onBatch: async (batch) => {
          await received.onBatch(batch)
          if (jumped) return undefined
          jumped = true
          return { seekTo: 8n }
        },
      })
      assert.deepEqual(await received.count(6), ['0', '1', '2', '3', '8', '9'])
      consumer.seek(topic, 0, 5n)
      assert.deepEqual((await received.count(11)).slice(6), numbers(5, 10))
    }))

  test(`${name}: a batch that can't be handled ends the consumer with its cause, once`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await filled(kafka, 1, 5)
      const cause = new Error('the poison of this test')
      let deliveries = 0
      const consumer = await kafka.consumer({
        ...optionsFor(topic, new Received()),
        onBatch: async () => {
          deliveries += 1
          throw cause
        },
      })
      await soon(
        assert.rejects(consumer.finished, (error: Error) => {
          assert.ok(hasCode('consumer_crashed')(error))
          assert.equal(error.cause, cause)
          return true
        }),
        5_000,
        'dying',
      )
      await consumer.close()
      assert.equal(deliveries, 1)
    }))

  test(`${name}: a failing startAt ends the consumer with its cause`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await filled(kafka, 1, 5)
      const received = new Received()
      const consumer = await kafka.consumer({
        ...optionsFor(topic, received),
        startAt: () => Promise.reject(new Error('no offsets here')),
      })
      await soon(assert.rejects(consumer.finished, /no offsets here/), 5_000, 'dying')
      assert.deepEqual(received.values, [])
    }))

  for (const [what, offset] of [
    ['past the end', 1_000n],
    ['before the beginning', 0n],
  ] as const) {
    test(`${name}: an offset ${what} is told, never reset`, () =>
      withKafka(harness, async (kafka) => {
        const topic = await newTopic(kafka, 1)
        await kafka.producer().send(topic, [textRecord(null, 'v')])
        if (offset === 0n) await deleteRecords(harness.brokers, topic, 1n)
        const received = new Received()
        const consumer = await kafka.consumer({
          ...optionsFor(topic, received),
          commit: false,
          startAt: async () => offset,
        })
        const dying = assert.rejects(consumer.finished, hasCode('offset_out_of_range'))
        await soon(dying, 5_000, 'telling')
        assert.deepEqual(received.values, [])
      }))
  }

  test(`${name}: the partitions are shared, and taken over when a member leaves`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await filled(kafka, 2, 2)
      const groupId = uniqueName('group')
      const shares = [new Map<string, number>(), new Map<string, number>()]
      let changed: () => void = () => undefined
      const member = (index: number) =>
        kafka.consumer({
          groupId,
          topics: [topic],
          from: 'beginning',
          heartbeatIntervalMs: 200,
          onAssigned: (assigned) => {
            shares[index]?.set(topic, assigned.flatMap(({ partitions }) => partitions).length)
            changed()
          },
          onBatch: async () => undefined,
        })
      const until = (first: number, second: number) =>
        soon(
          new Promise<void>((resolve) => {
            changed = () => {
              const [a, b] = shares.map((share) => share.get(topic) ?? 0)
              if (a === first && b === second) resolve()
            }
            changed()
          }),
          10_000,
          `shares of ${first} and ${second}`,
        )
      const one = await member(0)
      const two = await member(1)
      await until(1, 1)
      await one.close()
      shares[0]?.clear()
      await until(0, 2)
      await two.close()
    }))

  test(`${name}: a subscription to a missing topic says so at once`, () =>
    withKafka(harness, async (kafka) => {
      const opening = kafka.consumer(optionsFor(uniqueName('missing'), new Received()))
      await soon(assert.rejects(opening, hasCode('unknown_topic')), 5_000, 'telling')
    }))

  test(`${name}: brokers that stay away end the consumer, short outages do not`, async () => {
    const proxy = await ResponseDroppingProxy.start(harness.brokers[0] as string)
    const kafka = await harness.connect(configFor([proxy.address], { requestTimeoutMs: 1_000 }))
    try {
      const topic = await filled(kafka, 1, 3)
      const received = new Received()
      const consumer = await kafka.consumer({
        ...optionsFor(topic, received),
        commit: false,
        outageMsMax: 4_000,
      })
      await received.count(3)
      await proxy.stop()
      await proxy.restart()
      await kafka.producer().send(topic, [textRecord(null, '3')])
      assert.ok((await received.count(4)).includes('3'))
      await proxy.stop()
      await soon(assert.rejects(consumer.finished, hasCode('consumer_crashed')), 15_000, 'dying')
    } finally {
      await soon(kafka.close(), 10_000, 'closing')
    }
  })

  test(`${name}: close ends in time while a batch is being handled for ever`, () =>
    withKafka(harness, async (kafka) => {
      const topic = await filled(kafka, 1, 1)
      let started: () => void = () => undefined
      const handling = new Promise<void>((resolve) => {
        started = resolve
      })
      const consumer = await kafka.consumer({
        ...optionsFor(topic, new Received()),
        closeTimeoutMs: 300,
        onBatch: () => {
          started()
          return new Promise(() => undefined)
        },
      })
      await soon(handling, 10_000, 'the first batch')
      await soon(consumer.close(), 2_000, 'closing')
      await consumer.finished
    }))
}
