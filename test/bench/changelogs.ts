import { connectKafka } from '@kappa/kafka/connect'
import type { Kafka, TopicSpec } from '@kappa/kafka/port'

const TIMEOUT_MS = 30_000

export function createTopic(brokers: string, spec: TopicSpec): Promise<void> {
  return withKafka(brokers, async ({ admin }) => {
    await admin.createTopics([spec], TIMEOUT_MS)
  })
}

/** The sum of `departures` over the newest rows of a changelog: how many events it counts. */
export function countedDepartures(brokers: string, topic: string): Promise<number> {
  return withKafka(brokers, async (kafka) => {
    const rows = new Map<string, number>()
    for await (const { key, value } of kafka.readToEnd(topic)) {
      rows.set(String(key), JSON.parse(String(value)).departures)
    }
    return [...rows.values()].reduce((sum, departures) => sum + departures, 0)
  })
}

async function withKafka<T>(brokers: string, work: (kafka: Kafka) => Promise<T>): Promise<T> {
  const kafka = await connectKafka({
    brokers: [brokers],
    clientId: 'kappa-bench',
    requestTimeoutMs: TIMEOUT_MS,
    connectTimeoutMs: TIMEOUT_MS,
  })
  try {
    return await work(kafka)
  } finally {
    await kafka.close()
  }
}
