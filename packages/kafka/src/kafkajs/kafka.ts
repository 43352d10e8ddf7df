import { toKafkaError } from '../errors.ts'
import { LinkedKafka } from '../linked-kafka.ts'
import { type Kafka, type KafkaConfig, KafkaError } from '../port.ts'
import { within } from '../time.ts'
import { KafkaJsAdminActions } from './admin-actions.ts'
import { checkApiVersions } from './broker-check.ts'
import { KafkaJsConsumer } from './consumer.ts'
import { scheduleOnlyWhatWaits } from './idle-timers.ts'
import { Link } from './link.ts'
import { KafkaJsTransactionalProducer } from './transactional-producer.ts'

export async function connectKafkaJs(config: KafkaConfig): Promise<Kafka> {
  scheduleOnlyWhatWaits()
  const link = new Link(config)
  const boundMs = config.connectTimeoutMs + config.requestTimeoutMs
  const brokers = config.brokers.join(', ')
  try {
    const versions = await within(
      link.connectSeed().then((broker) => broker.versions),
      boundMs,
      () =>
        new KafkaError(
          'unavailable',
          `No Kafka broker of ${brokers} answered within ${boundMs} ms`,
        ),
    )
    checkApiVersions(versions ?? {})
    await link.dispose()
  } catch (error) {
    link.abandon()
    throw toKafkaError(error, `No Kafka broker of ${brokers} can be used`)
  }
  return new LinkedKafka(config, {
    openLink: () => new Link(config),
    adminActions: new KafkaJsAdminActions(config),
    openTransactionalProducer: (id) => KafkaJsTransactionalProducer.open(config, id),
    openConsumer: (options) => KafkaJsConsumer.open(config, options),
  })
}
