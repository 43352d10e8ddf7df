import { connectKafkaJs } from './kafkajs/kafka.ts'
import { connectPlatformatic } from './platformatic/kafka.ts'
import type { Kafka, KafkaConfig } from './port.ts'

/**
 * Connects to Kafka with the library that the configuration names, and checks that the brokers
 * speak what is needed.
 *
 * @throws KafkaError `unavailable` when no broker answers within
 *   `connectTimeoutMs + requestTimeoutMs`; `unsupported_broker` when one lacks a request that this
 *   client needs (the message names it with the versions of both); `authentication_failed` when
 *   the two sides do not trust each other, with the reason and without secrets.
 */
export function connectKafka(config: KafkaConfig): Promise<Kafka> {
  return config.client === 'platformatic' ? connectPlatformatic(config) : connectKafkaJs(config)
}
