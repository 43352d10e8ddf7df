import { BatchSender } from './batch-sender.ts'
import { JsonText } from './json-text.ts'
import { failure, type PendingEvent } from './pending-event.ts'
import { type PublishAllOptions, publishEach } from './publish-each.ts'
import {
  checkOptions,
  type PublisherLimits,
  type PublisherOptions,
  readLimits,
} from './publish-options.ts'
import {
  type AcceptedEvent,
  EventFailedError,
  EventRejectedError,
  type EventResult,
  type FailedEvent,
  type PublishSummary,
} from './publish-results.ts'
import { Counters, type PublisherCounters } from './publisher-counters.ts'
import { QueueBounds } from './queue-bounds.ts'
import { TopicLane } from './topic-lane.ts'
import { TopicsApi } from './topics-api.ts'
import { Transport } from './transport.ts'

export interface PublishOptions {
  /** Gives the event up: it is withdrawn if it was not sent yet, and not sent again if it was. */
  readonly signal?: AbortSignal
  /** For topics whose contract names no id field; an id counts once. Left out: one is made. */
  readonly id?: string
}

/** Events by topic, as `kappa contracts types` writes them. */
export type AnyTopics = Readonly<Record<string, object>>

const closeTimeoutMsDefault = 30_000

/**
 * Publishes events: collects them into batches, sends those, and sends again what failed, with the
 * same ids, so that each event counts once. Everything is bounded, see `PublisherLimits`.
 *
 *     const publisher = new Publisher<Topics>({ url: 'http://127.0.0.1:4001' })
 *     await publisher.publish('flights.departures', departure)
 *     await publisher.close()
 */
export class Publisher<Topics extends { [Name in keyof Topics]: object } = AnyTopics> {
  readonly #limits: PublisherLimits
  readonly #whenFull: 'wait' | 'reject'
  readonly #ordered: boolean
  readonly #counters = new Counters()
  readonly #bounds: QueueBounds
  readonly #lanes = new Map<string, TopicLane>()
  readonly #stop = new AbortController()
  readonly #transport: Transport
  readonly #sender: BatchSender
  readonly #unsettled = new Set<PendingEvent>()
  /** How many, by the generation that they were published in. */
  readonly #unsettledBy = new Map<number, number>()
  #generation = 0
  #flushed: (() => void)[] = []
  #requestsInFlight = 0
  #closing: Promise<void> | undefined

  /** @throws TypeError, RangeError naming the option that is wrong */
  constructor(options: PublisherOptions) {
    checkOptions(options)
    this.#limits = readLimits(options)
    this.#whenFull = options.whenFull ?? 'wait'
    this.#ordered = options.ordered === true || options.mode === 'import'
    this.#bounds = new QueueBounds(this.#limits)
    const { requestsInFlightMax } = this.#limits
    const transport = new Transport({ ...options, connectionsMax: requestsInFlightMax })
    this.#transport = transport
    this.#sender = new BatchSender({
      transport,
      topics: new TopicsApi(transport),
      options,
      limits: this.#limits,
      counters: this.#counters,
      settle: (event, result) => this.#settle(event, result),
      signal: this.#stop.signal,
    })
  }

  get counters(): PublisherCounters {
    const { queued, sent, accepted, rejected, failed, retried, requests } = this.#counters
    const pending = queued - accepted - rejected - failed
    const pendingBytes = this.#bounds.bytes
    return { queued, sent, accepted, rejected, failed, retried, pending, pendingBytes, requests }
  }

  /**
   * Publishes one event. It is taken as it is now: later changes to the object do not matter.
   * Resolves when the event is in the log. A promise that nobody awaits does not end the process;
   * `counters` tell what became of its event.
   *
   * @throws EventRejectedError its content is wrong
   * @throws EventFailedError it was not acknowledged: `queue_full`, `closed`, `aborted`,
   *   `unreachable`, `timeout`, `unknown_topic`, or another code of ingest
   */
  publish<Topic extends keyof Topics & string>(
    topic: Topic,
    event: Topics[Topic] | JsonText,
    options: PublishOptions = {},
  ): Promise<AcceptedEvent> {
    const published = new Promise<AcceptedEvent>((resolve, reject) => {
      const { signal, id } = options
      const cancel = () => this.#settle(pending, aborted(pending))
      const onSettled = (result: EventResult) => {
        signal?.removeEventListener('abort', cancel)
        if (result.status === 'accepted') resolve(result)
        else if (result.status === 'rejected') reject(new EventRejectedError(topic, result))
        else reject(new EventFailedError(topic, result))
      }
      const whenFull = this.#whenFull
      const { event: pending } = this.#add({ topic, text: toText(event), whenFull, id, onSettled })
      if (pending.settled) return
      signal?.addEventListener('abort', cancel, { once: true })
      if (signal?.aborted) cancel()
    })
    published.catch(() => undefined)
    return published
  }

  /**
   * Publishes events as fast as they are acknowledged, without a promise for each: waits for room
   * in the queue before it reads the next one, so that an endless input takes bounded memory.
   * Resolves when all are settled, whether accepted, rejected or failed: look at the summary.
   *
   * @throws PublishStoppedError the signal was aborted, the publisher closed, or the input failed
   *   (its error is the cause); has the summary of what was read
   */
  publishAll<Topic extends keyof Topics & string, Event extends Topics[Topic] | JsonText>(
    topic: Topic,
    events: Iterable<Event> | AsyncIterable<Event>,
    options: PublishAllOptions<Event> = {},
  ): Promise<PublishSummary> {
    return publishEach(events, options, {
      isClosed: () => this.#closing !== undefined,
      add: (event, onSettled) =>
        this.#add({
          topic,
          text: toText(event),
          whenFull: 'always wait',
          id: undefined,
          onSettled,
        }),
      giveUp: (event) => this.#settle(event, aborted(event)),
    })
  }

  /** Sends what was published before, without waiting for batches to fill, until all is settled. */
  async flush(): Promise<void> {
    this.#generation++
    this.#pump()
    const before = this.#generation
    while ([...this.#unsettledBy.keys()].some((generation) => generation < before)) {
      await new Promise<void>((resolve) => this.#flushed.push(resolve))
    }
  }

  /**
   * Takes no more events and flushes those that it has; what is not settled after the time-out
   * fails as `closed`. Idempotent.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? closeTimeoutMsDefault)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.#abandon(timeoutMs), timeoutMs)
    await this.flush()
    clearTimeout(timer)
    for (const lane of this.#lanes.values()) clearTimeout(lane.timer)
    this.#transport.close()
  }

  #abandon(timeoutMs: number): void {
    this.#stop.abort()
    const message = `the publisher was closed and this was not acknowledged within ${timeoutMs} ms`
    for (const event of this.#unsettled) this.#settle(event, failure(event, 'closed', message))
  }

  /** Takes an event. The promise, if there is one, resolves when there is room for the next. */
  #add(addition: Addition): { readonly event: PendingEvent; readonly room?: Promise<void> } {
    const { text, id } = addition
    const event: PendingEvent = {
      text,
      bytes: Buffer.byteLength(text),
      generation: this.#generation,
      queuedAtMs: performance.now(),
      id,
      givenId: id !== undefined,
      attempts: 0,
      maybeInLog: false,
      entered: false,
      settled: false,
      onSettled: addition.onSettled,
    }
    this.#counters.queued++
    this.#unsettled.add(event)
    this.#unsettledBy.set(event.generation, (this.#unsettledBy.get(event.generation) ?? 0) + 1)
    const refuse = (code: string, message: string) => {
      this.#settle(event, failure(event, code, message))
      return { event }
    }
    if (this.#closing !== undefined) return refuse('closed', 'the publisher is closed')
    if (this.#bounds.tryEnter(event.bytes)) {
      this.#enter(event, addition.topic)
      return { event }
    }
    const { queueEventsMax, queueBytesMax, waitingEventsMax } = this.#limits
    if (addition.whenFull === 'reject') {
      return refuse(
        'queue_full',
        `${queueEventsMax} events (queueEventsMax) or ${queueBytesMax} bytes (queueBytesMax) are not acknowledged yet`,
      )
    }
    const room = new Promise<void>((entered) => {
      const enter = () => {
        const wanted = !event.settled
        if (wanted) this.#enter(event, addition.topic)
        entered()
        return wanted
      }
      if (this.#bounds.wait(event.bytes, enter, addition.whenFull === 'always wait')) return
      const full = `the queue is full and ${waitingEventsMax} events wait for it already (waitingEventsMax)`
      refuse('queue_full', full)
      entered()
    })
    return { event, room }
  }

  #enter(event: PendingEvent, topic: string): void {
    event.entered = true
    let lane = this.#lanes.get(topic)
    if (lane === undefined) {
      lane = new TopicLane(topic)
      this.#lanes.set(topic, lane)
    }
    lane.add(event)
    if (lane.isDue(this.#limits, this.#generation)) this.#pump()
    else this.#wakeLater(lane)
  }

  #settle(event: PendingEvent, result: EventResult): void {
    if (event.settled) return
    event.settled = true
    this.#counters[result.status]++
    this.#unsettled.delete(event)
    event.onSettled(result)
    const left = (this.#unsettledBy.get(event.generation) ?? 0) - 1
    this.#unsettledBy.set(event.generation, left)
    if (event.entered) this.#bounds.leave(event.bytes)
    if (left > 0) return
    this.#unsettledBy.delete(event.generation)
    for (const resolve of this.#flushed.splice(0)) resolve()
  }

  /** Sends what is due while requests may be sent, one batch of each topic in turn. */
  #pump(): void {
    for (const lane of this.#lanes.values()) {
      if (this.#requestsInFlight >= this.#limits.requestsInFlightMax) return
      if (this.#ordered && lane.requestsInFlight > 0) continue
      if (!lane.isDue(this.#limits, this.#generation)) {
        this.#wakeLater(lane)
        continue
      }
      // Goes to the end of the iteration that is under way, so that every topic has its turn.
      this.#lanes.delete(lane.topic)
      this.#lanes.set(lane.topic, lane)
      void this.#send(lane)
    }
  }

  async #send(lane: TopicLane): Promise<void> {
    this.#requestsInFlight++
    lane.requestsInFlight++
    await this.#sender.send(lane.topic, lane.take(this.#limits))
    lane.requestsInFlight--
    this.#requestsInFlight--
    this.#pump()
  }

  #wakeLater(lane: TopicLane): void {
    if (lane.timer !== undefined || lane.head === undefined) return
    const waitedMs = performance.now() - lane.head.queuedAtMs
    const wake = () => {
      lane.timer = undefined
      lane.lingered = true
      this.#pump()
    }
    lane.timer = setTimeout(wake, Math.max(1, Math.ceil(this.#limits.lingerMs - waitedMs)))
  }
}

interface Addition {
  readonly topic: string
  readonly text: string
  readonly whenFull: 'wait' | 'reject' | 'always wait'
  readonly id: string | undefined
  readonly onSettled: (result: EventResult) => void
}

/** @throws TypeError what is published is not an object, or cannot be JSON */
function toText(event: object): string {
  const text: unknown = event instanceof JsonText ? event.text : stringify(event)
  if (typeof text === 'string') return text
  throw new TypeError(`an event is an object, got ${typeof event}`)
}

/** As JSON, with bigints as their digits, which is how ingest takes them. */
function stringify(event: object): string {
  try {
    return JSON.stringify(event)
  } catch {
    // Rare: a function for every member would cost all events more than sending them.
    return JSON.stringify(event, (_name, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
  }
}

function aborted(event: PendingEvent): FailedEvent {
  return failure(event, 'aborted', 'the caller gave it up')
}
