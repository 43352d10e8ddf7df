import { errorInfo, isUnknownTopic, toKafkaError, unknownTopic } from '../errors.ts'
import { type Consumer, type ConsumerOptions, type KafkaConfig, KafkaError } from '../port.ts'
import { delay, settledWithin, within } from '../time.ts'
import { PlatformaticLink } from './link.ts'
import { Membership } from './membership.ts'
import { Session } from './session.ts'

const SESSION_TIMEOUT_MS = 10_000
const OUTAGE_MS_MAX = 60_000
const CLOSE_TIMEOUT_MS = 5_000
const RETRY_MS = 100
const RETRY_MS_MAX = 2_000
const WATCH_MS = 500
/** The group has gone on without this member, or is about to. */
const JOIN_AGAIN = new Set(['ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS'])
/** The coordinator forgot the member: it has to join as a new one. */
const FORGOTTEN = new Set(['UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID'])

/** A member of a group that joins, reads what it is assigned until a rebalance, and joins again. */
export class PlatformaticConsumer implements Consumer {
  readonly finished: Promise<void>
  readonly #config: KafkaConfig
  readonly #options: ConsumerOptions
  readonly #membership: Membership
  readonly #sessionTimeoutMs: number
  #link: PlatformaticLink
  #session: Session | undefined
  #aliveAt = Date.now()
  #watch: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #ended = false
  #closing: Promise<void> | undefined
  #finish!: () => void
  #fail!: (error: Error) => void

  static async open(config: KafkaConfig, options: ConsumerOptions): Promise<PlatformaticConsumer> {
    const consumer = new PlatformaticConsumer(config, options)
    try {
      await consumer.#start()
    } catch (error) {
      await consumer.close()
      if (isUnknownTopic(error)) throw unknownTopic(options.topics.join(', '), error)
      throw toKafkaError(error, `The consumer of group "${options.groupId}" could not start`)
    }
    return consumer
  }

  private constructor(config: KafkaConfig, options: ConsumerOptions) {
    this.#config = config
    this.#options = options
    this.#sessionTimeoutMs = options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS
    const { groupId, topics } = options
    const sessionTimeoutMs = this.#sessionTimeoutMs
    this.#membership = new Membership(config, { groupId, topics, sessionTimeoutMs })
    this.#link = new PlatformaticLink(config)
    this.finished = new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#fail = reject
    })
    // Whoever waits for `finished` gets the cause; that nobody does must not be a second error.
    this.finished.catch(() => undefined)
  }

  seek(topic: string, partition: number, offset: bigint): void {
    this.#session?.seek(topic, partition, offset)
  }

  close(): Promise<void> {
    this.#end(undefined)
    return this.#closing ?? Promise.resolve()
  }

  async #start(): Promise<void> {
    const boundMs = this.#config.connectTimeoutMs + this.#config.requestTimeoutMs
    const late = () => new Error(`no answer within ${boundMs} ms`)
    await within(this.#link.connect(this.#options.topics), boundMs, late)
    this.#aliveAt = Date.now()
    this.#watch = setInterval(() => this.#checkAlive(), WATCH_MS)
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    let retryMs = RETRY_MS
    while (!this.#ended) {
      try {
        if (this.#link.disposed) await this.#reconnect()
        const assigned = await this.#membership.join()
        this.#alive()
        if (this.#ended) return
        retryMs = RETRY_MS
        this.#session = new Session(this.#link, this.#membership, this.#options, {
          assigned,
          sessionTimeoutMs: this.#sessionTimeoutMs,
          requestTimeoutMs: this.#config.requestTimeoutMs,
          onAlive: () => this.#alive(),
        })
        await this.#session.run()
      } catch (error) {
        if (this.#ended) return
        const { type } = errorInfo(error)
        if (FORGOTTEN.has(type ?? '')) this.#membership.forget()
        else if (error instanceof KafkaError || isPermanent(error)) {
          this.#die(error, 'the client stopped')
        } else if (type === undefined) {
          // What broke one connection may have broken the other without a word.
          this.#link.abandon()
          this.#membership.drop()
        }
        await delay(retryMs)
        retryMs = Math.min(2 * retryMs, RETRY_MS_MAX)
      }
    }
  }

  async #reconnect(): Promise<void> {
    this.#link = new PlatformaticLink(this.#config)
    await this.#link.connect(this.#options.topics)
  }

  #alive(): void {
    this.#aliveAt = Date.now()
  }

  #checkAlive(): void {
    const silentMs = Date.now() - this.#aliveAt
    if (this.#session?.isHandling === true) return
    if (silentMs <= (this.#options.outageMsMax ?? OUTAGE_MS_MAX)) return
    this.#die(undefined, `no answer of a broker for ${silentMs} ms`)
  }

  #die(cause: unknown, what: string): void {
    if (cause instanceof KafkaError) {
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
    const leaving = (async () => {
      await this.#session?.stop(closeMs)
      await this.#membership.leave(closeMs)
    })()
    await settledWithin(leaving, closeMs)
    this.#membership.close()
    this.#link.abandon()
    await settledWithin(this.#running, closeMs)
  }
}

function isPermanent(error: unknown): boolean {
  const { type, retriable } = errorInfo(error)
  return type !== undefined && !retriable && !JOIN_AGAIN.has(type)
}
