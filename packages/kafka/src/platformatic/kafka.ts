import { apiVersionsV2 } from '@platformatic/kafka'
import { toKafkaError } from '../errors.ts'
import { LinkedKafka } from '../linked-kafka.ts'
import { type Kafka, type KafkaConfig, KafkaError } from '../port.ts'
import { within } from '../time.ts'
import { PlatformaticAdminActions } from './admin-actions.ts'
import { checkApiVersions } from './broker-check.ts'
import { PlatformaticConsumer } from './consumer.ts'
import { PlatformaticLink } from './link.ts'
import { PlatformaticTransactionalProducer } from './transactional-producer.ts'

export async function connectPlatformatic(config: KafkaConfig): Promise<Kafka> {
  const link = new PlatformaticLink(config)
  const boundMs = config.connectTimeoutMs + config.requestTimeoutMs
  const brokers = config.brokers.join(', ')
  try {
    const late = () =>
      new KafkaError('unavailable', `No Kafka broker of ${brokers} answered within ${boundMs} ms`)
    checkApiVersions(await within(link.askAny(apiVersionsV2.api, '', ''), boundMs, late))
    await link.dispose()
  } catch (error) {
    link.abandon()
    throw toKafkaError(error, `No Kafka broker of ${brokers} can be used`)
  }
  return new LinkedKafka(config, {
    openLink: () => new PlatformaticLink(config),
    adminActions: new PlatformaticAdminActions(config),
    openTransactionalProducer: (id) => PlatformaticTransactionalProducer.open(config, id),
    openConsumer: (options) => PlatformaticConsumer.open(config, options),
  })
}
