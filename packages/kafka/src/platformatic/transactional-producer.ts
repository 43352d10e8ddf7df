import { addPartitionsToTxnV1, endTxnV1, initProducerIdV1 } from '@platformatic/kafka'
import { errorInfo, isFenced, isProtocolError, isUnknownTopic, toKafkaError } from '../errors.ts'
import { partitionForKey } from '../murmur2.ts'
import {
  type KafkaConfig,
  KafkaError,
  type OutgoingRecord,
  type TransactionalProducer,
} from '../port.ts'
import { refusal } from '../producing/leader-group.ts'
import { recordBytes, type SizedMessage } from '../producing/produce-request.ts'
import { delay, settledWithin, within } from '../time.ts'
import { errorFromCode } from './errors.ts'
import { PlatformaticLink } from './link.ts'

type Outgoing = OutgoingRecord & { readonly topic: string }
type Parts = Map<string, Map<number, SizedMessage[]>>

/** Kafka aborts what a dead producer left open after this time. */
const TRANSACTION_TIMEOUT_MS = 30_000
const RETRY_MS = 20
const LEADER_NOT_AVAILABLE = 5
/** Answers that say: nothing was done, ask again (perhaps somebody else). */
const LATER = new Set([
  'CONCURRENT_TRANSACTIONS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
])

/**
 * One transaction at a time. It never takes its id back by itself: after any doubt it is dead, and
 * whoever is entitled to the id opens a new one, which fences this one and settles what is open.
 */
export class PlatformaticTransactionalProducer implements TransactionalProducer {
  readonly #config: KafkaConfig
  readonly #id: string
  readonly #link: PlatformaticLink
  /** Next sequence numbers, by topic and partition. */
  readonly #sequences = new Map<string, Map<number, number>>()
  #coordinator = -1
  #producerId = -1n
  #producerEpoch = -1
  #turn: Promise<unknown> = Promise.resolve()
  #keyless = 0
  #dead: KafkaError | undefined
  #closing: Promise<void> | undefined

  static async open(config: KafkaConfig, id: string): Promise<PlatformaticTransactionalProducer> {
    const producer = new PlatformaticTransactionalProducer(config, id)
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
    this.#link = new PlatformaticLink(config)
  }

  commit(records: readonly Outgoing[]): Promise<void> {
    const turn = this.#turn.then(() => this.#commit(records))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  close(): Promise<void> {
    this.#closing ??= settledWithin(this.#turn, this.#config.requestTimeoutMs).then(() =>
      this.#link.dispose(),
    )
    return this.#closing
  }

  async #fenceOthers(): Promise<void> {
    await this.#bounded(this.#link.connect())
    const { producerId, producerEpoch } = await this.#askCoordinator((node) =>
      this.#link.ask(node, initProducerIdV1.api, this.#id, TRANSACTION_TIMEOUT_MS),
    )
    this.#producerId = producerId
    this.#producerEpoch = producerEpoch
  }

  async #commit(records: readonly Outgoing[]): Promise<void> {
    if (this.#closing) throw new KafkaError('closed', 'The transactional producer is closed')
    if (this.#dead) throw this.#dead
    if (records.length === 0) return
    let begun = false
    try {
      const parts = await this.#bounded(this.#partition(records))
      begun = true
      await this.#addPartitions(parts)
      await this.#write(parts)
    } catch (error) {
      throw await this.#abort(error, begun)
    }
    try {
      await this.#end(true)
    } catch (error) {
      throw this.#undecided(error)
    }
  }

  async #partition(records: readonly Outgoing[]): Promise<Parts> {
    const parts: Parts = new Map()
    for (const record of records) {
      const { topic } = record
      await this.#link.addTopic(topic)
      const partition = this.#choose(record, this.#link.partitionCount(topic))
      const ofTopic = parts.get(topic) ?? new Map<number, SizedMessage[]>()
      parts.set(topic, ofTopic)
      const messages = ofTopic.get(partition) ?? []
      ofTopic.set(partition, messages)
      messages.push({ record, bytes: recordBytes(record) })
    }
    return parts
  }

  #choose({ topic, key, partition }: Outgoing, partitions: number): number {
    if (partition !== undefined && (partition < 0 || partition >= partitions)) {
      const text = `"${topic}" has ${partitions} partitions: there is no partition ${partition}`
      throw new KafkaError('unknown_topic', text)
    }
    if (partition !== undefined) return partition
    if (key !== null) return partitionForKey(key, partitions)
    this.#keyless = (this.#keyless + 1) % partitions
    return this.#keyless
  }

  async #addPartitions(parts: Parts): Promise<void> {
    const topics = [...parts].map(([name, partitions]) => ({
      name,
      partitions: [...partitions.keys()],
    }))
    await this.#askCoordinator((node) =>
      this.#link.ask(node, addPartitionsToTxnV1.api, [
        {
          transactionalId: this.#id,
          producerId: this.#producerId,
          producerEpoch: this.#producerEpoch,
          verifyOnly: false,
          topics,
        },
      ]),
    )
  }

  /** One request at a time, so that what was not answered is known. */
  async #write(parts: Parts): Promise<void> {
    const deadline = Date.now() + 2 * this.#config.requestTimeoutMs
    for (const [topic, partitions] of parts) {
      const sequences = this.#sequences.get(topic) ?? new Map<number, number>()
      this.#sequences.set(topic, sequences)
      let left = partitions
      while (left.size > 0) {
        const failed = await this.#writeOnce(topic, left, sequences)
        for (const error of failed.values()) {
          if (!mayRepeat(error) || Date.now() + RETRY_MS >= deadline) throw error
        }
        left = new Map([...left].filter(([partition]) => failed.has(partition)))
        if (left.size === 0) continue
        await delay(RETRY_MS)
        await this.#bounded(this.#link.refresh()).catch((error: unknown) => {
          if (!mayRepeat(error) || Date.now() + RETRY_MS >= deadline) throw error
        })
      }
    }
  }

  /** @returns why there is no success, by partition */
  async #writeOnce(
    topic: string,
    partitions: ReadonlyMap<number, SizedMessage[]>,
    sequences: Map<number, number>,
  ): Promise<Map<number, unknown>> {
    const { requestTimeoutMs } = this.#config
    const failed = new Map<number, unknown>()
    const leaders = this.#link.leaders(topic)
    for (const [leader, group] of Map.groupBy(partitions, ([id]) => leaders.get(id))) {
      if (leader === undefined) {
        for (const [id] of group) failed.set(id, errorFromCode(LEADER_NOT_AVAILABLE))
        continue
      }
      const producing = this.#link.produce(leader, topic, new Map(group), requestTimeoutMs, {
        transactionalId: this.#id,
        producerId: this.#producerId,
        producerEpoch: this.#producerEpoch,
        sequences: new Map(group.map(([id]) => [id, sequences.get(id) ?? 0])),
      })
      try {
        for (const { partition, error } of await this.#bounded(producing)) {
          if (error) failed.set(partition, error)
          else sequences.set(partition, (sequences.get(partition) ?? 0) + countOf(group, partition))
        }
      } catch (error) {
        for (const [id] of group) failed.set(id, error)
      }
    }
    return failed
  }

  async #end(committed: boolean): Promise<void> {
    await this.#askCoordinator((node) =>
      this.#link.ask(
        node,
        endTxnV1.api,
        this.#id,
        this.#producerId,
        this.#producerEpoch,
        committed,
      ),
    )
  }

  /** Nothing can be committed: only this producer could have, and it did not ask to. */
  async #abort(cause: unknown, begun: boolean): Promise<KafkaError> {
    if (isFenced(cause)) return this.#die(this.#fenced(cause))
    const code = isUnknownTopic(cause) ? 'unknown_topic' : 'unavailable'
    const text = `Nothing was committed as "${this.#id}": ${errorInfo(cause).message}`
    const error = cause instanceof KafkaError ? cause : new KafkaError(code, text, { cause })
    if (!begun) {
      // A connection at fault is not mended here.
      if (!(cause instanceof KafkaError) && !isProtocolError(cause)) this.#die(error)
      return error
    }
    try {
      // What a lost answer was about is not known: the sequence numbers neither.
      if (!isProtocolError(cause)) throw cause
      await this.#end(false)
    } catch (abortError) {
      if (isFenced(abortError)) return this.#die(this.#fenced(abortError))
      if (errorInfo(abortError).type !== 'INVALID_TXN_STATE') this.#die(error)
    }
    return error
  }

  #undecided(cause: unknown): KafkaError {
    if (isFenced(cause)) return this.#die(this.#fenced(cause))
    const { message } = errorInfo(cause)
    if (!isProtocolError(cause)) {
      const text = `The transaction of "${this.#id}" may be committed or not: ${message}. Open a new producer and read`
      return this.#die(new KafkaError('unknown', text, { cause }))
    }
    return this.#die(toKafkaError(cause, `Nothing was committed as "${this.#id}"`))
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

  /** Waits while the coordinator is busy with an earlier transaction, loads or moves. */
  async #askCoordinator<T>(ask: (node: number) => Promise<T>): Promise<T> {
    const deadline = Date.now() + this.#config.requestTimeoutMs
    for (;;) {
      try {
        if (this.#coordinator < 0) {
          const finding = this.#link.coordinator('transaction', this.#id)
          this.#coordinator = await this.#bounded(finding)
        }
        return await this.#bounded(ask(this.#coordinator))
      } catch (error) {
        const { type } = errorInfo(error)
        if (!LATER.has(type ?? '') || Date.now() + RETRY_MS >= deadline) throw error
        if (type !== 'CONCURRENT_TRANSACTIONS') this.#coordinator = -1
        await delay(RETRY_MS)
      }
    }
  }

  #bounded<T>(promise: Promise<T>): Promise<T> {
    const boundMs = this.#config.requestTimeoutMs + this.#config.connectTimeoutMs
    return within(promise, boundMs, () => new Error(`no answer within ${boundMs} ms`))
  }
}

/** Sequence numbers make a repetition harmless: the broker drops what it has. */
function mayRepeat(error: unknown): boolean {
  if (isUnknownTopic(error)) return false
  return !isProtocolError(error) || refusal(errorInfo(error)) === 'later'
}

function countOf(group: readonly (readonly [number, SizedMessage[]])[], partition: number): number {
  return group.find(([id]) => id === partition)?.[1].length ?? 0
}
