import { connectKafkaJs } from './kafkajs/kafka.ts'
import type { Kafka, KafkaConfig } from './port.ts'

/**
 * Connects to Kafka and checks that the brokers speak what is needed.
 *
 * @throws KafkaError `unavailable` when no broker answers within
 *   `connectTimeoutMs + requestTimeoutMs`; `unsupported_broker` when one lacks a request that this
 *   client needs (the message names it with the versions of both).
 */
export function connectKafka(config: KafkaConfig): Promise<Kafka> {
  return connectKafkaJs(config)
}
