import { toKafkaError } from '../errors.ts'
import {
  type Consumer,
  type ConsumerOptions,
  type IncomingRecord,
  type Kafka,
  type KafkaAdmin,
  type KafkaConfig,
  KafkaError,
  type Producer,
  type ProducerOptions,
  type TransactionalProducer,
} from '../port.ts'
import { readAt } from '../reading/read-at.ts'
import { readToEnd } from '../reading/read-to-end.ts'
import { Reader } from '../reading/reader.ts'
import { within } from '../time.ts'
import { KafkaJsAdmin } from './admin.ts'
import { checkApiVersions } from './broker-check.ts'
import { KafkaJsConsumer } from './consumer.ts'
import { scheduleOnlyWhatWaits } from './idle-timers.ts'
import { Link } from './link.ts'
import { KafkaJsProducer } from './producer.ts'
import { KafkaJsTransactionalProducer } from './transactional-producer.ts'

interface Closable {
  close(): Promise<void>
}

class KafkaJsKafka implements Kafka {
  readonly admin: KafkaAdmin
  readonly #config: KafkaConfig
  readonly #parts = new Set<Closable>()
  readonly #ownAdmin: KafkaJsAdmin
  #sharedReader: Reader | undefined
  #closing: Promise<void> | undefined

  constructor(config: KafkaConfig) {
    this.#config = config
    this.#ownAdmin = new KafkaJsAdmin(config)
    this.admin = this.#ownAdmin
  }

  producer(options?: ProducerOptions): Producer {
    return this.#keep(new KafkaJsProducer(this.#config, options))
  }

  async transactionalProducer(transactionalId: string): Promise<TransactionalProducer> {
    return this.#keep(await KafkaJsTransactionalProducer.open(this.#config, transactionalId))
  }

  async consumer(options: ConsumerOptions): Promise<Consumer> {
    return this.#keep(await KafkaJsConsumer.open(this.#config, options))
  }

  readToEnd(topic: string): AsyncIterable<IncomingRecord> {
    return readToEnd(this.#reader(), topic)
  }

  readAt(topic: string, partition: number, offset: bigint, recordsMax: number) {
    this.#sharedReader ??= this.#keep(this.#reader())
    return readAt(this.#sharedReader, topic, partition, offset, recordsMax)
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all([
      ...[...this.#parts].map((part) => part.close()),
      this.#ownAdmin.close(),
    ]).then(() => undefined)
    return this.#closing
  }

  #reader(): Reader {
    return new Reader(() => new Link(this.#config), this.#config.requestTimeoutMs)
  }

  #keep<T extends Closable>(part: T): T {
    if (this.#closing) {
      void part.close()
      throw new KafkaError('closed', 'The connection to Kafka is closed')
    }
    this.#parts.add(part)
    const close = part.close.bind(part)
    part.close = () => close().finally(() => this.#parts.delete(part))
    return part
  }
}

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
  return new KafkaJsKafka(config)
}
