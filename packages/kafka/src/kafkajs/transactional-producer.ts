import {
  Kafka as KafkaJs,
  type Message as KafkaJsMessage,
  type Producer as KafkaJsProducer,
  type Transaction,
} from 'kafkajs'
import { errorInfo, isFenced, isProtocolError, isUnknownTopic } from '../errors.ts'
import { partitionForKey } from '../murmur2.ts'
import {
  type KafkaConfig,
  KafkaError,
  type OutgoingRecord,
  type TransactionalProducer,
} from '../port.ts'
import { PRODUCE_API_KEY } from '../producing/produce-request.ts'
import { settledWithin, within } from '../time.ts'
import { clientSettings, DISCONNECT_MS_MAX } from './settings.ts'
import { END_TXN_API_KEY, TrackedSockets } from './sockets.ts'

type Outgoing = OutgoingRecord & { readonly topic: string }

const RETRIES = 5
const RETRY_MS = 50
/** Kafka aborts what a dead producer left open after this time. */
const TRANSACTION_TIMEOUT_MS = 30_000

/**
 * One transaction at a time. It never takes its id back by itself: after any doubt it is dead, and
 * whoever is entitled to the id opens a new one, which fences this one and settles what is open.
 */
export class KafkaJsTransactionalProducer implements TransactionalProducer {
  readonly #config: KafkaConfig
  readonly #id: string
  readonly #sockets = new TrackedSockets()
  readonly #producer: KafkaJsProducer
  #turn: Promise<unknown> = Promise.resolve()
  #dead: KafkaError | undefined
  readonly #chosen = new WeakMap<KafkaJsMessage, number>()
  #keyless = 0
  #closing: Promise<void> | undefined

  static async open(config: KafkaConfig, id: string): Promise<KafkaJsTransactionalProducer> {
    const producer = new KafkaJsTransactionalProducer(config, id)
    try {
      await producer.#fenceOthers()
    } catch (error) {
      await producer.close()
      throw new KafkaError(
        'unavailable',
        `The transactional id "${id}" could not be taken: ${errorInfo(error).message}`,
        { cause: error },
      )
    }
    return producer
  }

  private constructor(config: KafkaConfig, id: string) {
    this.#config = config
    this.#id = id
    this.#producer = new KafkaJs({
      ...clientSettings(config, this.#sockets),
      retry: { retries: RETRIES, initialRetryTime: RETRY_MS },
    }).producer({
      transactionalId: id,
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
      createPartitioner:
        () =>
        ({ topic, partitionMetadata, message }) =>
          this.#partition(topic, message, partitionMetadata.length),
      retry: { retries: RETRIES, initialRetryTime: RETRY_MS },
    })
  }

  commit(records: readonly Outgoing[]): Promise<void> {
    const turn = this.#turn.then(() => this.#commit(records))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await settledWithin(this.#turn, this.#config.requestTimeoutMs)
    await settledWithin(this.#producer.disconnect(), DISCONNECT_MS_MAX)
    this.#sockets.destroyAll()
  }

  /** kafkajs asks for its producer id, which fences, at the first transaction only. */
  async #fenceOthers(): Promise<void> {
    await this.#bounded(
      (async () => {
        await this.#producer.connect()
        const transaction = await this.#producer.transaction()
        await transaction.abort()
      })(),
    )
  }

  async #commit(records: readonly Outgoing[]): Promise<void> {
    if (this.#closing) throw new KafkaError('closed', 'The transactional producer is closed')
    if (this.#dead) throw this.#dead
    if (records.length === 0) return
    const endsBefore = this.#sockets.written(END_TXN_API_KEY)
    const producesBefore = this.#sockets.written(PRODUCE_API_KEY)
    let transaction: Transaction | undefined
    try {
      transaction = await this.#bounded(this.#producer.transaction())
      await this.#bounded(transaction.sendBatch({ acks: -1, topicMessages: byTopic(records) }))
    } catch (error) {
      const sent = this.#sockets.written(PRODUCE_API_KEY) > producesBefore
      throw await this.#abort(transaction, error, sent)
    }
    try {
      await this.#bounded(transaction.commit())
    } catch (error) {
      throw this.#undecided(error, this.#sockets.written(END_TXN_API_KEY) > endsBefore)
    }
  }

  /** Nothing can be committed: only this producer could have, and it did not ask to. */
  async #abort(
    transaction: Transaction | undefined,
    cause: unknown,
    sent: boolean,
  ): Promise<KafkaError> {
    if (isFenced(cause)) return this.#die(this.#fenced(cause))
    const code = isUnknownTopic(cause) ? 'unknown_topic' : 'unavailable'
    const text = `Nothing was committed as "${this.#id}": ${errorInfo(cause).message}`
    const error = new KafkaError(code, text, { cause })
    try {
      if (!isProtocolError(cause)) throw cause
      if (transaction) await this.#bounded(transaction.abort())
      // kafkajs takes the sequence numbers of a refused request back, those of appended partitions
      // too: the broker would take the next records for repetitions and drop them.
      if (sent) throw cause
    } catch (abortError) {
      if (isFenced(abortError)) return this.#die(this.#fenced(abortError))
      this.#die(
        new KafkaError(
          'closed',
          `The producer "${this.#id}" ended with a failed commit: open a new one`,
          {
            cause: abortError,
          },
        ),
      )
    }
    return error
  }

  #undecided(cause: unknown, asked: boolean): KafkaError {
    if (isFenced(cause)) return this.#die(this.#fenced(cause))
    const { message } = errorInfo(cause)
    if (asked && !isProtocolError(cause)) {
      const text = `The transaction of "${this.#id}" may be committed or not: ${message}. Open a new producer and read`
      return this.#die(new KafkaError('unknown', text, { cause }))
    }
    const text = `Nothing was committed as "${this.#id}": ${message}. Open a new producer`
    return this.#die(new KafkaError('unavailable', text, { cause }))
  }

  #fenced(cause: unknown): KafkaError {
    const text = `A newer producer has the transactional id "${this.#id}": stop acting`
    return new KafkaError('fenced', text, { cause })
  }

  #die(error: KafkaError): KafkaError {
    const text = `The producer "${this.#id}" ended earlier (${error.code}): open a new one`
    this.#dead = error.code === 'fenced' ? error : new KafkaError('closed', text, { cause: error })
    return error
  }

  #bounded<T>(promise: Promise<T>): Promise<T> {
    const boundMs = 2 * this.#config.requestTimeoutMs + this.#config.connectTimeoutMs
    return within(promise, boundMs, () => new Error(`no answer within ${boundMs} ms`))
  }

  /** kafkajs asks anew at each of its retries: the first answer for a message holds. */
  #partition(topic: string, message: KafkaJsMessage, partitions: number): number {
    const chosen = this.#chosen.get(message)
    if (chosen !== undefined) return chosen
    const partition = message.partition ?? this.#choose(message, partitions)
    if (partition >= partitions) {
      const text = `"${topic}" has ${partitions} partitions: there is no partition ${partition}`
      throw new KafkaError('unknown_topic', text)
    }
    this.#chosen.set(message, partition)
    return partition
  }

  #choose(message: KafkaJsMessage, partitions: number): number {
    if (Buffer.isBuffer(message.key)) return partitionForKey(message.key, partitions)
    this.#keyless = (this.#keyless + 1) % partitions
    return this.#keyless
  }
}

function byTopic(records: readonly Outgoing[]) {
  const topics = new Map<string, Outgoing[]>()
  for (const record of records) {
    const sorted = topics.get(record.topic)
    if (sorted) sorted.push(record)
    else topics.set(record.topic, [record])
  }
  return [...topics].map(([topic, messages]) => ({
    topic,
    messages: messages.map(({ key, value, headers, partition }) => ({
      key,
      value,
      ...(headers === undefined ? {} : { headers: { ...headers } }),
      ...(partition === undefined ? {} : { partition }),
    })),
  }))
}
