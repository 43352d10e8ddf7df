import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testStack } from '@kappa/test/stack'
import { until } from '@kappa/test/until'
import { connectKafkaJs } from '../src/kafkajs/kafka.ts'
import { connectPlatformatic } from '../src/platformatic/kafka.ts'
import { configFor, newTopic, textRecord, uniqueName } from './conformance/harness.ts'

const config = configFor(testStack().kafkaBrokers.split(','))
const clients = { kafkajs: connectKafkaJs, platformatic: connectPlatformatic }

for (const [first, second] of [
  ['kafkajs', 'platformatic'],
  ['platformatic', 'kafkajs'],
] as const) {
  test(`a group that ${first} leads takes in ${second}, which takes over when ${first} leaves`, async () => {
    const [leading, joining] = await Promise.all([clients[first](config), clients[second](config)])
    try {
      const topic = await newTopic(leading, 2)
      const groupId = uniqueName('mixed')
      const shares = [0, 0]
      const received: string[] = []
      const member = (kafka: typeof leading, index: number) =>
        kafka.consumer({
          groupId,
          topics: [topic],
          from: 'beginning',
          heartbeatIntervalMs: 200,
          onAssigned: (assigned) => {
            shares[index] = assigned.flatMap(({ partitions }) => partitions).length
          },
          onBatch: async ({ records }) => {
            received.push(...records.map(({ value }) => String(value)))
            return undefined
          },
        })
      const send = (text: string) => {
        const records = [0, 1].map((partition) => ({
          ...textRecord(null, `${text} ${partition}`),
          partition,
        }))
        return leading.producer().send(topic, records)
      }
      const one = await member(leading, 0)
      await send('one')
      await until(
        () => received.length,
        (count) => count === 2,
      )
      await member(joining, 1)
      await until(
        () => shares.join(),
        (now) => now === '1,1',
      )
      await send('two')
      await until(
        () => received.length,
        (count) => count === 4,
      )
      await one.close()
      await send('three')
      await until(
        () => received.length,
        (count) => count >= 6,
      )
      // What one of them had committed, the other did not get again.
      const wanted = ['one', 'two', 'three'].flatMap((text) => [`${text} 0`, `${text} 1`])
      assert.deepEqual(received.toSorted(), wanted.toSorted())
    } finally {
      await Promise.all([leading.close(), joining.close()])
    }
  })
}
