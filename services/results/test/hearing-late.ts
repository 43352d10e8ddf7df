import { setTimeout as delay } from 'node:timers/promises'
import type { Kafka } from '@kappa/kafka/port'

const LATE_MS_MAX = 200

/** A connection whose consumers hear of each batch of one topic a little late. */
export function hearingLate(kafka: Kafka, topic: string, random: () => number): Kafka {
  return {
    admin: kafka.admin,
    producer: (options) => kafka.producer(options),
    transactionalProducer: (id) => kafka.transactionalProducer(id),
    readToEnd: (name) => kafka.readToEnd(name),
    readAt: (...which) => kafka.readAt(...which),
    close: () => kafka.close(),
    consumer: (options) =>
      kafka.consumer({
        ...options,
        onBatch: async (batch) => {
          if (batch.topic === topic) await delay(random() * LATE_MS_MAX)
          return options.onBatch(batch)
        },
      }),
  }
}
