import type { Contract } from '@kappa/contracts/contract'
import type { KafkaAdmin, TopicSpec } from '@kappa/kafka/port'
import type { Logger } from '@kappa/service/logger'
import type { IngestConfig } from './config.ts'

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
  const created = await admin.createTopics(specs, config.kafka.startTimeoutMs)
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
