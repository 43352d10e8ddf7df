import type { OpenLink } from './broker-link.ts'
import { type AdminActions, LinkAdmin } from './link-admin.ts'
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
} from './port.ts'
import { BatchingProducer } from './producing/producer.ts'
import { readAt } from './reading/read-at.ts'
import { readToEnd } from './reading/read-to-end.ts'
import { Reader } from './reading/reader.ts'

/** What a client library contributes; the rest of the port is the same over all of them. */
export interface Library {
  readonly openLink: OpenLink
  readonly adminActions: AdminActions
  openTransactionalProducer(transactionalId: string): Promise<TransactionalProducer>
  openConsumer(options: ConsumerOptions): Promise<Consumer>
}

interface Closable {
  close(): Promise<void>
}

export class LinkedKafka implements Kafka {
  readonly admin: KafkaAdmin
  readonly #config: KafkaConfig
  readonly #library: Library
  readonly #parts = new Set<Closable>()
  #sharedReader: Reader | undefined
  #closing: Promise<void> | undefined

  constructor(config: KafkaConfig, library: Library) {
    this.#config = config
    this.#library = library
    this.admin = this.#keep(
      new LinkAdmin(library.openLink, config.requestTimeoutMs, library.adminActions),
    )
  }

  producer(options?: ProducerOptions): Producer {
    return this.#keep(new BatchingProducer(this.#library.openLink, this.#config, options))
  }

  async transactionalProducer(transactionalId: string): Promise<TransactionalProducer> {
    return this.#keep(await this.#library.openTransactionalProducer(transactionalId))
  }

  async consumer(options: ConsumerOptions): Promise<Consumer> {
    return this.#keep(await this.#library.openConsumer(options))
  }

  readToEnd(topic: string): AsyncIterable<IncomingRecord> {
    return readToEnd(this.#reader(), topic)
  }

  async readAt(
    topic: string,
    partition: number,
    offset: bigint,
    recordsMax: number,
  ): Promise<IncomingRecord[]> {
    this.#sharedReader ??= this.#keep(this.#reader())
    return readAt(this.#sharedReader, topic, partition, offset, recordsMax)
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all([...this.#parts].map((part) => part.close())).then(
      () => undefined,
    )
    return this.#closing
  }

  #reader(): Reader {
    return new Reader(this.#library.openLink, this.#config.requestTimeoutMs)
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
