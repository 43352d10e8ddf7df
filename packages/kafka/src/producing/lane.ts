import type { BrokerLink, LinkTimeouts, OpenLink } from '../broker-link.ts'
import { errorInfo, isUnknownTopic, unknownTopic } from '../errors.ts'
import { KafkaError } from '../port.ts'
import { delay, within } from '../time.ts'
import { groupByLeader, type PartitionFailure, refusal } from './leader-group.ts'
import { MessageQueue } from './message-queue.ts'
import type { QueuedMessage } from './pending-send.ts'

const METADATA_AGE_MS_MAX = 60_000
const BACKOFF_MS_MIN = 20
const BACKOFF_MS_MAX = 500

export interface LaneLimits {
  readonly batchRecordsMax: number
  readonly batchBytesMax: number
  readonly deliveryTimeoutMs: number
}

/**
 * Sends the records of one topic with one request per broker in flight, so that the order within
 * a partition holds and a lost response can concern nothing but that request. After any doubt
 * the connections are thrown away and the records are sent again until their deadline.
 */
export class Lane {
  readonly #openLink: OpenLink
  readonly #timeouts: LinkTimeouts
  readonly #topic: string
  readonly #limits: LaneLimits
  readonly #queue = new MessageQueue()
  #link: BrokerLink | undefined
  #refreshAt = 0
  #recordsMax: number
  #backoffMs = BACKOFF_MS_MIN
  #pumping: Promise<void> | undefined
  #connecting: Promise<BrokerLink> | undefined
  #aborted = false

  constructor(openLink: OpenLink, timeouts: LinkTimeouts, topic: string, limits: LaneLimits) {
    this.#openLink = openLink
    this.#timeouts = timeouts
    this.#topic = topic
    this.#limits = limits
    this.#recordsMax = limits.batchRecordsMax
  }

  /** Known partitions of the topic without asking, undefined before the first answer. */
  get knownPartitions(): number | undefined {
    return this.#link === undefined || this.#link.disposed
      ? undefined
      : this.#link.partitionCount(this.#topic)
  }

  /** @throws KafkaError `unknown_topic`, or `unavailable` when no broker answers until the deadline. */
  async partitions(deadline: number): Promise<number> {
    let backoffMs = BACKOFF_MS_MIN
    for (;;) {
      try {
        const leftMs = Math.max(1, deadline - Date.now())
        const link = await within(this.#connected(), leftMs, () => new Error('no broker answered'))
        return link.partitionCount(this.#topic)
      } catch (error) {
        if (isUnknownTopic(error)) throw unknownTopic(this.#topic, error)
        if (this.#aborted || Date.now() + backoffMs >= deadline) {
          throw new KafkaError(
            'unavailable',
            `Nothing was written to "${this.#topic}": ${errorInfo(error).message}`,
            { cause: error },
          )
        }
        await delay(backoffMs)
        backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX)
      }
    }
  }

  enqueue(message: QueuedMessage): void {
    this.#queue.push(message)
  }

  /** Starts sending unless it is; call after `enqueue`. */
  kick(): void {
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = undefined
      if (this.#aborted) this.#giveUpAll()
      else if (this.#queue.length > 0) this.kick()
    })
  }

  async close(): Promise<void> {
    this.#aborted = true
    this.#giveUpAll()
    await this.#link?.dispose()
  }

  #giveUpAll(): void {
    for (const { send } of this.#queue.drain()) {
      send.giveUp('closed', 'the producer was closed before it could be sent', undefined)
    }
  }

  async #pump(): Promise<void> {
    // A turn of the event loop, so that calls made together travel together.
    await null
    while (this.#queue.length > 0 && !this.#aborted) {
      const batch = this.#queue.take(this.#recordsMax, this.#limits.batchBytesMax)
      if (batch.length > 0) await this.#attempt(batch)
    }
  }

  async #attempt(batch: QueuedMessage[]): Promise<void> {
    const first = batch[0] as QueuedMessage
    const leftMs = Math.max(1, first.send.deadline - Date.now())
    let groups = groupByLeader(batch, new Map())
    let failures: PartitionFailure[]
    let writtenBefore = 0
    let link: BrokerLink | undefined
    try {
      const open = await within(this.#connected(), leftMs, () => new Error('no broker answered'))
      link = open
      writtenBefore = open.producesWritten
      groups = groupByLeader(batch, open.leaders(this.#topic))
      const boundMs = Math.max(1, Math.min(first.send.deadline - Date.now(), this.#attemptMsMax()))
      const late = () => new Error('no response in time')
      // Each by itself: what one broker has acknowledged is not sent again because another is late.
      const sending = groups.map((group) => {
        const answered = group.send(open, this.#topic, this.#timeouts.requestTimeoutMs)
        return within(answered, boundMs, late).catch((error: unknown) => group.failures(error))
      })
      failures = (await Promise.all(sending)).flat()
    } catch (error) {
      failures = groups.flatMap((group) => group.failures(error))
    }
    if (failures.length === 0) {
      this.#backoffMs = BACKOFF_MS_MIN
      this.#recordsMax = Math.min(this.#recordsMax * 2, this.#limits.batchRecordsMax)
      return
    }
    const written = link !== undefined && link.producesWritten > writtenBefore
    await this.#retryOrGiveUp(batch, failures, written)
  }

  async #retryOrGiveUp(
    batch: readonly QueuedMessage[],
    failures: readonly PartitionFailure[],
    written: boolean,
  ): Promise<void> {
    const failed = new Map(failures.map((failure) => [failure.partition, failure]))
    const messages = batch.filter(({ partition }) => failed.has(partition))
    for (const { partition, send } of messages) {
      const refused = refusal(errorInfo(failed.get(partition)?.error))
      if (written && refused === undefined) send.maybeWritten = true
    }
    const isRecordAtFault = ({ error }: PartitionFailure) => refusal(errorInfo(error)) === 'record'
    if (failures.every(isRecordAtFault)) {
      this.#halve(messages, failed)
      return
    }
    this.#dropLink()
    const cause = failures.find((failure) => !isRecordAtFault(failure))?.error
    if (isUnknownTopic(cause) && (await this.#topicIsGone())) {
      for (const { send } of messages.concat(this.#queue.drain())) {
        send.giveUp('unknown_topic', `there is no topic "${this.#topic}"`, cause)
      }
      return
    }
    this.#queue.putBack(messages)
    this.#giveUpLate(cause)
    const next = this.#queue.peek()
    if (next === undefined) return
    const leftMs = Math.max(1, next.send.deadline - Date.now())
    await delay(Math.min(this.#backoffMs * (0.5 + Math.random()), leftMs))
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MS_MAX)
  }

  /** The broker judges a partition's batch as a whole: smaller ones show which record it is. */
  #halve(messages: readonly QueuedMessage[], failed: ReadonlyMap<number, PartitionFailure>): void {
    let largest = 1
    for (const { partition, send } of messages) {
      const failure = failed.get(partition) as PartitionFailure
      largest = Math.max(largest, failure.records)
      if (failure.records > 1) continue
      const { message, type } = errorInfo(failure.error)
      const code = type === 'INVALID_RECORD' ? 'unavailable' : 'record_too_large'
      // Others of the same call may be in the log already.
      send.giveUp(code, `the broker refused a record: ${message}`, failure.error)
    }
    this.#recordsMax = Math.ceil(largest / 2)
    this.#queue.putBack(messages.filter(({ send }) => !send.settled))
  }

  #giveUpLate(cause: unknown): void {
    const reason = `no success within ${this.#limits.deliveryTimeoutMs} ms (${errorInfo(cause).message})`
    const now = Date.now()
    for (;;) {
      this.#queue.dropSettled()
      const next = this.#queue.peek()
      if (next === undefined || next.send.deadline > now) return
      next.send.giveUp('unavailable', reason, cause)
    }
  }

  async #topicIsGone(): Promise<boolean> {
    try {
      await within(this.#connected(), this.#attemptMsMax(), () => new Error('no broker answered'))
      return false
    } catch (error) {
      return isUnknownTopic(error)
    }
  }

  #attemptMsMax(): number {
    return this.#timeouts.requestTimeoutMs + this.#timeouts.connectTimeoutMs
  }

  /** The link with metadata that is young enough; concurrent callers share one attempt. */
  #connected(): Promise<BrokerLink> {
    if (this.#link !== undefined && !this.#link.disposed && Date.now() < this.#refreshAt) {
      return Promise.resolve(this.#link)
    }
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  async #connect(): Promise<BrokerLink> {
    const link = this.#link?.disposed === false ? this.#link : this.#openLink()
    try {
      if (link === this.#link) await link.refresh()
      else await link.connect([this.#topic])
    } catch (error) {
      link.abandon()
      if (this.#link === link) this.#link = undefined
      throw error
    }
    if (this.#aborted) link.abandon()
    this.#link = link
    this.#refreshAt = Date.now() + METADATA_AGE_MS_MAX
    return link
  }

  #dropLink(): void {
    this.#link?.abandon()
    this.#link = undefined
  }
}
