import { setTimeout as delay } from 'node:timers/promises'
import type { Contract } from '@kappa/contracts/contract'
import { connectKafka } from '@kappa/kafka/connect'
import { type Kafka, type KafkaAdmin, KafkaError, type TopicSpec } from '@kappa/kafka/port'
import { kafkaSecurityWarnings } from '@kappa/service/kafka-security'
import type { Logger } from '@kappa/service/logger'
import type { IngestConfig } from './config.ts'

const retryDelayMs = 500

/**
 * Connects to Kafka, waiting for it up to `kafkaStartTimeoutMs`.
 * @throws KafkaError with the last attempt's cause when the time is over
 */
export async function connectWithin(config: IngestConfig, logger: Logger): Promise<Kafka> {
  // What the client library reports as an error is retried or becomes a KafkaError.
  const log = (level: string, message: string, fields: object) =>
    logger.debug({ ...fields, kafkaLevel: level }, message)
  for (const warning of kafkaSecurityWarnings(config.kafka.security)) logger.warn(warning)
  const deadline = Date.now() + config.kafkaStartTimeoutMs
  for (;;) {
    try {
      return await connectKafka({ ...config.kafka, log })
    } catch (error) {
      const waiting = error instanceof KafkaError && error.code === 'unavailable'
      if (!waiting) throw error
      if (Date.now() + retryDelayMs >= deadline) {
        throw new KafkaError(
          'unavailable',
          `Kafka at ${config.kafka.brokers.join(', ')} was not available within ${config.kafkaStartTimeoutMs} ms (KAPPA_KAFKA_BROKERS, KAPPA_INGEST_KAFKA_START_TIMEOUT_MS): ${error.message}`,
          { cause: error },
        )
      }
      logger.info({ reason: error.message }, 'Waiting for Kafka')
      await delay(retryDelayMs)
    }
  }
}

/**
 * Creates the topics of the contracts that Kafka does not have yet and waits until they can be
 * written to. Their time stamps are those of the append, because lateness is measured by them for
 * records without an accept header, and nothing is ever deleted, because releases replay all of it.
 */
export async function createContractTopics(
  admin: Pick<KafkaAdmin, 'createTopics' | 'partitionCount'>,
  contracts: Iterable<Contract>,
  config: IngestConfig,
  logger: Logger,
): Promise<void> {
  const all = [...contracts]
  const specs = all.map(
    ({ topic, partitions }): TopicSpec => ({
      topic,
      partitions,
      replicationFactor: config.replicationFactor,
      config: { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '-1' },
    }),
  )
  const created = await admin.createTopics(specs, config.kafkaStartTimeoutMs)
  for (const topic of created) logger.info({ topic }, 'Topic created')
  for (const { topic, partitions } of all) {
    const found = await admin.partitionCount(topic)
    if (found === partitions) continue
    logger.warn(
      { topic, contract: partitions, kafka: found },
      'Partitions differ from the contract',
    )
  }
}
