import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { BrokerLink } from '../src/broker-link.ts'
import { KafkaError, type OutgoingRecord } from '../src/port.ts'
import type { PartitionAnswer } from '../src/producing/produce-request.ts'
import { BatchingProducer } from '../src/producing/producer.ts'

interface FakeBrokers {
  /** Leaders by partition. */
  readonly leaders: ReadonlyMap<number, number>
  readonly connect?: () => Promise<void>
  readonly produce: (leader: number, partitions: readonly number[]) => Promise<PartitionAnswer[]>
}

/** A producer over brokers that answer as a fault wants it, without Kafka. */
function producerOver(brokers: FakeBrokers, deliveryTimeoutMs: number): BatchingProducer {
  const openFakeLink = (): BrokerLink => {
    const link = {
      disposed: false,
      producesWritten: 0,
      connect: async () => brokers.connect?.(),
      refresh: async () => undefined,
      leaders: () => brokers.leaders,
      partitionCount: () => brokers.leaders.size,
      produce(leader: number, _topic: string, partitions: ReadonlyMap<number, unknown>) {
        link.producesWritten += 1
        return brokers.produce(leader, [...partitions.keys()])
      },
      async dispose() {
        link.disposed = true
      },
      abandon() {
        link.disposed = true
      },
    }
    return link as unknown as BrokerLink
  }
  const timeouts = { requestTimeoutMs: 5_000, connectTimeoutMs: 5_000 }
  return new BatchingProducer(openFakeLink, timeouts, { deliveryTimeoutMs })
}

const recordTo = (partition: number): OutgoingRecord => ({
  key: null,
  value: Buffer.from('x'),
  partition,
})

const codeOf = (sending: Promise<unknown>) =>
  sending.then(
    () => 'acknowledged',
    (error: unknown) => (error instanceof KafkaError ? error.code : String(error)),
  )

test('P1: what one broker acknowledged is not an acknowledgement of what another did not answer', async () => {
  let isDeaf = false
  const deaf = new Promise<never>(() => undefined)
  const produced: number[] = []
  const producer = producerOver(
    {
      leaders: new Map([
        [0, 1],
        [1, 2],
      ]),
      produce: async (leader, partitions) => {
        produced.push(...partitions)
        if (leader === 1) {
          return partitions.map((partition) => ({ partition, error: undefined, baseOffset: 5n }))
        }
        if (isDeaf) return deaf
        throw new Error('connection lost')
      },
    },
    600,
  )
  const first = codeOf(producer.send('topic', [recordTo(1)]))
  while (produced.length < 3) await new Promise((resolve) => setImmediate(resolve))
  const second = codeOf(producer.send('topic', [recordTo(0), recordTo(1)]))
  isDeaf = true
  assert.deepEqual(await Promise.all([first, second]), ['unknown', 'unknown'])
  assert.equal(produced.filter((partition) => partition === 0).length, 1, 'nor is it sent again')
})

test('a topic that one call does not find leaves the others going, and every call an outcome', async () => {
  let connects = 0
  const producer = producerOver(
    {
      leaders: new Map([[0, 1]]),
      connect: async () => {
        connects += 1
        const turn = connects
        await delay(30)
        if (turn !== 2) return
        throw Object.assign(new Error('no such topic'), {
          name: 'KafkaJSProtocolError',
          type: 'UNKNOWN_TOPIC_OR_PARTITION',
        })
      },
      produce: async () => {
        throw new Error('connection lost')
      },
    },
    500,
  )
  const first = codeOf(producer.send('topic', [recordTo(0)]))
  while (connects < 2) await new Promise((resolve) => setImmediate(resolve))
  const second = codeOf(producer.send('topic', [recordTo(0)]))
  assert.equal(await second, 'unknown_topic')
  assert.equal(await first, 'unknown')
  await producer.close()
  assert.equal(await codeOf(producer.send('topic', [recordTo(0)])), 'closed')
})
