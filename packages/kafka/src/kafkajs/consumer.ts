import {
  type ConsumerCrashEvent,
  type ConsumerGroupJoinEvent,
  type EachBatchPayload,
  type Consumer as GroupConsumer,
  Kafka as KafkaJs,
  type LogEntry,
} from 'kafkajs'
import { errorInfo, isUnknownTopic, unknownTopic } from '../errors.ts'
import {
  type Consumer,
  type ConsumerOptions,
  type IncomingRecord,
  type KafkaConfig,
  KafkaError,
} from '../port.ts'
import { settledWithin, within } from '../time.ts'
import { toIncomingRecord } from './records.ts'
import { clientSettings } from './settings.ts'
import { TrackedSockets } from './sockets.ts'

const RECORDS_PER_BATCH_MAX = 1_000
const WAIT_MS_MAX = 250
const SESSION_TIMEOUT_MS = 10_000
const OUTAGE_MS_MAX = 60_000
const CLOSE_TIMEOUT_MS = 5_000
const RETRIES = 5
const RETRY_MS = 100
const RETRY_MS_MAX = 2_000
const WATCH_MS = 500

/** kafkajs resets such an offset by itself; this log line is the only sign of it. */
const OFFSET_RESET_LOG = 'Offset out of range, resetting to default offset'

/** kafkajs repeats what is not marked so. */
class PermanentError extends Error {
  readonly retriable = false

  constructor(cause: unknown) {
    super('The batch could not be handled', { cause })
  }
}

export class KafkaJsConsumer implements Consumer {
  readonly finished: Promise<void>
  readonly #config: KafkaConfig
  readonly #options: ConsumerOptions
  readonly #sockets = new TrackedSockets()
  readonly #consumer: GroupConsumer
  readonly #sessionTimeoutMs: number
  readonly #heartbeatIntervalMs: number
  /** Partitions that may be delivered, by the assignment that they belong to. */
  #assignment = 0
  #aliveAt = Date.now()
  #handling = 0
  #watch: NodeJS.Timeout | undefined
  #ended = false
  #closing: Promise<void> | undefined
  #finish!: () => void
  #fail!: (error: Error) => void

  static async open(config: KafkaConfig, options: ConsumerOptions): Promise<KafkaJsConsumer> {
    const consumer = new KafkaJsConsumer(config, options)
    try {
      await consumer.#start()
    } catch (error) {
      await consumer.close()
      if (isUnknownTopic(error)) throw unknownTopic(options.topics.join(', '), error)
      throw new KafkaError(
        'unavailable',
        `The consumer of group "${options.groupId}" could not start: ${errorInfo(error).message}`,
        { cause: error },
      )
    }
    return consumer
  }

  private constructor(config: KafkaConfig, options: ConsumerOptions) {
    this.#config = config
    this.#options = options
    this.#sessionTimeoutMs = options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS
    this.#heartbeatIntervalMs =
      options.heartbeatIntervalMs ?? Math.floor(this.#sessionTimeoutMs / 4)
    this.finished = new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#fail = reject
    })
    // Whoever waits for `finished` gets the cause; that nobody does must not be a second error.
    this.finished.catch(() => undefined)
    this.#consumer = new KafkaJs({
      ...clientSettings(config, this.#sockets, (entry) => this.#onLog(entry)),
      retry: { retries: RETRIES, initialRetryTime: RETRY_MS, maxRetryTime: RETRY_MS_MAX },
    }).consumer({
      groupId: options.groupId,
      allowAutoTopicCreation: false,
      readUncommitted: options.readCommitted === false,
      maxWaitTimeInMs: options.maxWaitMs ?? WAIT_MS_MAX,
      sessionTimeout: this.#sessionTimeoutMs,
      rebalanceTimeout: this.#sessionTimeoutMs,
      heartbeatInterval: this.#heartbeatIntervalMs,
      retry: {
        retries: RETRIES,
        initialRetryTime: RETRY_MS,
        maxRetryTime: RETRY_MS_MAX,
        restartOnFailure: async () => !this.#ended && !this.#outOfPatience(),
      },
    })
  }

  seek(topic: string, partition: number, offset: bigint): void {
    this.#consumer.seek({ topic, partition, offset: offset.toString() })
  }

  close(): Promise<void> {
    this.#end(undefined)
    return this.#closing ?? Promise.resolve()
  }

  async #start(): Promise<void> {
    const { CRASH, FETCH, GROUP_JOIN, HEARTBEAT } = this.#consumer.events
    const alive = () => {
      this.#aliveAt = Date.now()
    }
    this.#consumer.on(FETCH, alive)
    this.#consumer.on(HEARTBEAT, alive)
    this.#consumer.on(GROUP_JOIN, (event) => this.#onAssigned(event))
    this.#consumer.on(CRASH, (event) => this.#onCrash(event))
    const boundMs = this.#config.connectTimeoutMs + this.#config.requestTimeoutMs
    await within(
      this.#consumer.connect().then(() =>
        this.#consumer.subscribe({
          topics: [...this.#options.topics],
          fromBeginning: this.#options.from === 'beginning',
        }),
      ),
      boundMs,
      () => new Error(`no answer within ${boundMs} ms`),
    )
    alive()
    this.#watch = setInterval(() => this.#checkAlive(), WATCH_MS)
    await this.#consumer.run({
      autoCommit: this.#options.commit !== false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: this.#options.partitionsAtOnce ?? 1,
      eachBatch: (payload) => this.#onBatch(payload),
    })
  }

  #onAssigned({ payload }: ConsumerGroupJoinEvent): void {
    this.#aliveAt = Date.now()
    const assigned = Object.entries(payload.memberAssignment).map(([topic, partitions]) => ({
      topic,
      partitions: [...partitions],
    }))
    this.#assignment += 1
    const assignment = this.#assignment
    const { onAssigned, startAt } = this.#options
    // Nothing may be fetched before it is known from where.
    if (startAt) this.#consumer.pause(assigned)
    try {
      onAssigned?.(assigned)
    } catch (error) {
      this.#die(error, 'onAssigned failed')
      return
    }
    if (!startAt) return
    this.#seekToStart(assigned, assignment, startAt).catch((error: unknown) =>
      this.#die(error, 'startAt failed'),
    )
  }

  async #seekToStart(
    assigned: readonly { topic: string; partitions: number[] }[],
    assignment: number,
    startAt: NonNullable<ConsumerOptions['startAt']>,
  ): Promise<void> {
    const starts = await Promise.all(
      assigned.flatMap(({ topic, partitions }) =>
        partitions.map(async (partition) => ({
          topic,
          partition,
          offset: await startAt(topic, partition),
        })),
      ),
    )
    if (assignment !== this.#assignment || this.#ended) return
    for (const { topic, partition, offset } of starts) {
      if (offset !== undefined) this.seek(topic, partition, offset)
    }
    this.#consumer.resume([...assigned])
  }

  async #onBatch(payload: EachBatchPayload): Promise<void> {
    const { topic, partition, messages, highWatermark } = payload.batch
    const recordsMax = this.#options.maxRecordsPerBatch ?? RECORDS_PER_BATCH_MAX
    const assignment = this.#assignment
    for (let from = 0; from < messages.length; from += recordsMax) {
      if (this.#ended || !payload.isRunning() || payload.isStale()) return
      const slice = messages.slice(from, from + recordsMax)
      const records = slice.map((message) => toIncomingRecord(topic, partition, message))
      const seek = await this.#handle(payload, records, BigInt(highWatermark))
      if (this.#ended || assignment !== this.#assignment) return
      if (seek) return this.seek(topic, partition, seek.seekTo)
      if (payload.isStale()) return
      const isLast = from + recordsMax >= messages.length
      // The batch may end with markers of transactions, which are no messages.
      payload.resolveOffset(isLast ? payload.batch.lastOffset() : (slice.at(-1)?.offset ?? '0'))
      await payload.heartbeat()
    }
  }

  /** Keeps the membership alive while the caller works; its failure ends the consumer. */
  async #handle(payload: EachBatchPayload, records: IncomingRecord[], endOffset: bigint) {
    const { topic, partition } = payload.batch
    let heartbeatError: unknown
    const beat = setInterval(() => {
      if (this.#ended) return clearInterval(beat)
      payload.heartbeat().catch((error: unknown) => {
        heartbeatError = error
      })
    }, this.#heartbeatIntervalMs)
    this.#handling += 1
    try {
      const seek = await this.#options.onBatch({ topic, partition, records, endOffset })
      if (heartbeatError === undefined) return seek
    } catch (error) {
      this.#die(error, `onBatch of "${topic}" partition ${partition} failed`)
      throw new PermanentError(error)
    } finally {
      this.#handling -= 1
      this.#aliveAt = Date.now()
      clearInterval(beat)
    }
    throw heartbeatError
  }

  #onLog({ log }: LogEntry): void {
    if (log.message !== OFFSET_RESET_LOG) return
    const { topic, partition } = log as unknown as { topic: string; partition: number }
    this.#end(
      new KafkaError(
        'offset_out_of_range',
        `The offset to read next of "${topic}" partition ${partition} is not in the log (any more)`,
      ),
    )
  }

  #onCrash({ payload }: ConsumerCrashEvent): void {
    if (!payload.restart) this.#die(payload.error, 'the client stopped')
  }

  /** kafkajs can stop without any event, for example when its own disconnect hangs (#1445). */
  #checkAlive(): void {
    if (this.#handling === 0 && this.#outOfPatience()) {
      const silentMs = Date.now() - this.#aliveAt
      this.#die(undefined, `no answer of a broker for ${silentMs} ms`)
    }
  }

  #outOfPatience(): boolean {
    return Date.now() - this.#aliveAt > (this.#options.outageMsMax ?? OUTAGE_MS_MAX)
  }

  #die(cause: unknown, what: string): void {
    if (cause instanceof KafkaError && cause.code !== 'consumer_crashed') {
      this.#end(cause)
      return
    }
    const reason = cause === undefined ? '' : `: ${errorInfo(cause).message}`
    const text = `The consumer of group "${this.#options.groupId}" died: ${what}${reason}`
    this.#end(new KafkaError('consumer_crashed', text, cause === undefined ? {} : { cause }))
  }

  #end(error: KafkaError | undefined): void {
    if (this.#ended) return
    this.#ended = true
    clearInterval(this.#watch)
    if (error) this.#fail(error)
    this.#closing = this.#disconnect().then(() => this.#finish())
  }

  async #disconnect(): Promise<void> {
    const closeMs = this.#options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS
    await settledWithin(this.#consumer.disconnect(), closeMs)
    this.#sockets.destroyAll()
  }
}
