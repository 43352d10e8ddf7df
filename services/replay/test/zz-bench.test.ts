import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { connectKafka } from '@kappa/kafka/connect'
import { partitionForKey } from '@kappa/kafka/murmur2'
import { testStack } from '@kappa/test/stack'
import { carryRows } from '../carrying/carry-rows.ts'
import { toRecord } from '../log/log-ends.ts'

test('bench', async () => {
  const kafka = await connectKafka({
    brokers: testStack().kafkaBrokers.split(','),
    clientId: 'b',
    requestTimeoutMs: 15_000,
    connectTimeoutMs: 5_000,
  })
  const [a, b] = [randomUUID(), randomUUID()]
  await kafka.admin.createTopics(
    [
      { topic: a, partitions: 2 },
      { topic: b, partitions: 2 },
    ],
    10_000,
  )
  const producer = kafka.producer()
  const total = 2_000_000
  const first = Date.parse('2013-01-01T00:00:00Z')
  for (let n = 0; n < total; n += 20_000) {
    const records = Array.from({ length: 20_000 }, (_, i) => {
      const time = new Date(first + ((n + i) % 8760) * 3_600_000).toISOString().replace('Z', '000Z')
      const key = Buffer.from(JSON.stringify([`carrier ${Math.floor((n + i) / 8760)}`, time]))
      const value = Buffer.from(
        `{"carrier":"c","hour":"${time}","departures":12,"delayed":3,"delay_minutes_sum":123,"delay_minutes_min":-3,"delay_minutes_max":45,"delay_minutes_avg":10.25}`,
      )
      return {
        key,
        value,
        headers: { 'kappa-batch': '1700000000000' },
        partition: partitionForKey(key, 2),
      }
    })
    await producer.send(a, records)
  }
  for (let run = 0; run < 2; run += 1) {
    const ends = toRecord(await kafka.admin.endOffsets(a))
    globalThis.gc?.()
    let rss = 0
    const timer = setInterval(() => {
      rss = Math.max(rss, process.memoryUsage.rss())
    }, 50)
    const cpu = process.cpuUsage()
    const s = performance.now()
    const count = await carryRows(
      kafka,
      producer,
      {
        live: {
          release: 1,
          view: { key: ['carrier', 'hour'], changelog: { topic: a, partitions: 2 } },
          ends,
        },
        changelog: { topic: b, partitions: 2 },
        plan: {
          timeColumn: 'hour',
          lastCarriedMs: run === 0 ? Date.parse('2014-06-01Z') : first - 1,
        },
      },
      new AbortController().signal,
    )
    const sec = (performance.now() - s) / 1000
    clearInterval(timer)
    const c = process.cpuUsage(cpu)
    console.log(
      `BENCH ${JSON.stringify(count)} ${sec.toFixed(1)} s ${(total / sec).toFixed(0)}/s rss ${(rss / 1e6).toFixed(0)} MB cpu ${((c.user + c.system) / 1e6).toFixed(1)} s load ${(await import('node:os')).loadavg()}`,
    )
  }
  await producer.close()
  await kafka.close()
})
