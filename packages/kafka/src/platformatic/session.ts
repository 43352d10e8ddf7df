import { EARLIEST, type Fetched, LATEST } from '../broker-link.ts'
import { errorInfo } from '../errors.ts'
import { type ConsumerOptions, KafkaError } from '../port.ts'
import { delay, settledWithin } from '../time.ts'
import { LinkError } from './errors.ts'
import type { PlatformaticLink } from './link.ts'
import type { Assigned, Membership } from './membership.ts'

const RECORDS_PER_BATCH_MAX = 1_000
const WAIT_MS_MAX = 250
/** While other partitions are being handled, which may be done at any time. */
const SHORT_WAIT_MS = 20
const FETCH_BYTES_MAX = 4 * 1024 * 1024
const RETRY_MS = 100

interface Reading {
  readonly topic: string
  readonly partition: number
  /** Where to read next. */
  position: bigint
  committed: bigint
  /** Its records are with the caller: nothing is fetched. */
  handling: boolean
  seeked: boolean
}

export interface SessionOptions {
  readonly assigned: readonly Assigned[]
  readonly sessionTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly onAlive: () => void
}

/** One assignment of a member: reads its partitions until a rebalance, an error or `stop`. */
export class Session {
  readonly #link: PlatformaticLink
  readonly #membership: Membership
  readonly #options: ConsumerOptions
  readonly #session: SessionOptions
  readonly #readings: Reading[] = []
  readonly #handlers = new Set<Promise<void>>()
  #committing: Promise<void> | undefined
  #stopped = false
  #beats: NodeJS.Timeout | undefined
  #failure: unknown
  #wake: () => void = () => undefined

  constructor(
    link: PlatformaticLink,
    membership: Membership,
    options: ConsumerOptions,
    session: SessionOptions,
  ) {
    this.#link = link
    this.#membership = membership
    this.#options = options
    this.#session = session
  }

  get isHandling(): boolean {
    return this.#handlers.size > 0
  }

  seek(topic: string, partition: number, offset: bigint): void {
    const reading = this.#readings.find((r) => r.topic === topic && r.partition === partition)
    if (!reading) return
    reading.position = offset
    reading.seeked = true
  }

  /** Resolves at a rebalance; rejects with a KafkaError that ends the consumer, or what to retry. */
  async run(): Promise<void> {
    this.#beats = this.#heartbeats()
    try {
      await this.#begin()
      while (!this.#stopped) await this.#fetchOnce()
    } catch (error) {
      this.#fail(error)
    }
    this.#stopped = true
    // The others wait for this member as long as its heartbeats say that it is alive.
    await settledWithin(Promise.all(this.#handlers), this.#session.sessionTimeoutMs)
    await settledWithin(this.#commit(), this.#session.requestTimeoutMs)
    clearInterval(this.#beats)
    if (this.#failure !== undefined) throw this.#failure
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stop()
    clearInterval(this.#beats)
    await settledWithin(Promise.all(this.#handlers), timeoutMs)
    await this.#commit()
  }

  #stop(): void {
    this.#stopped = true
    this.#wake()
  }

  #fail(error: unknown): void {
    if (this.#stopped && this.#failure === undefined && !(error instanceof KafkaError)) return
    this.#failure ??= error
    this.#stop()
  }

  #heartbeats(): NodeJS.Timeout {
    const { sessionTimeoutMs, requestTimeoutMs, onAlive } = this.#session
    const intervalMs = this.#options.heartbeatIntervalMs ?? Math.floor(sessionTimeoutMs / 4)
    let beating = false
    return setInterval(() => {
      if (beating) return
      beating = true
      this.#membership
        .heartbeat(Math.min(sessionTimeoutMs, requestTimeoutMs))
        .then(onAlive, (error: unknown) => {
          // Others join or leave: what is being handled is finished first.
          if (errorInfo(error).type === 'REBALANCE_IN_PROGRESS') this.#stop()
          else this.#fail(error)
        })
        .finally(() => {
          beating = false
        })
    }, intervalMs)
  }

  async #begin(): Promise<void> {
    const { assigned, requestTimeoutMs } = this.#session
    const { startAt, onAssigned, from } = this.#options
    try {
      onAssigned?.(assigned.map(({ topic, partitions }) => ({ topic, partitions })))
    } catch (error) {
      throw crashed(this.#options.groupId, 'onAssigned failed', error)
    }
    const committed = assigned.length
      ? await this.#membership.committed(assigned, requestTimeoutMs)
      : []
    for (const { topic, partitions } of assigned) {
      const edges = await this.#link.listOffsets(topic, from === 'beginning' ? EARLIEST : LATEST)
      const readings = partitions.map(async (partition): Promise<Reading> => {
        const start = await startAt?.(topic, partition)
        const edge = edges.find((candidate) => candidate.partition === partition)?.offset
        const known = committed.find((c) => c.topic === topic && c.partition === partition)?.offset
        const position = start ?? known ?? edge ?? 0n
        return { topic, partition, position, committed: position, handling: false, seeked: false }
      })
      const begun = await Promise.all(readings).catch((error: unknown) => {
        throw errorInfo(error).name === 'LinkError'
          ? error
          : crashed(this.#options.groupId, 'startAt failed', error)
      })
      this.#readings.push(...begun)
    }
  }

  async #fetchOnce(): Promise<void> {
    const idle = this.#readings.filter(({ handling }) => !handling)
    if (idle.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        if (this.#stopped || this.#readings.some(({ handling }) => !handling)) {
          if (this.#readings.length > 0 || this.#stopped) resolve()
        }
      })
      return
    }
    const waitMax = this.#options.maxWaitMs ?? WAIT_MS_MAX
    const waitMs = idle.length < this.#readings.length ? Math.min(SHORT_WAIT_MS, waitMax) : waitMax
    const byLeader = Map.groupBy(idle, ({ topic, partition }) =>
      this.#link.leaders(topic).get(partition),
    )
    const stale = await Promise.all(
      [...byLeader].map(([leader, readings]) => this.#fetchFrom(leader, readings, waitMs)),
    )
    this.#session.onAlive()
    if (!stale.includes(true)) return
    await delay(RETRY_MS)
    await this.#link.refresh()
  }

  /** @returns true when a leader has to be found anew */
  async #fetchFrom(
    leader: number | undefined,
    readings: readonly Reading[],
    waitMs: number,
  ): Promise<boolean> {
    if (leader === undefined) return true
    for (const reading of readings) reading.seeked = false
    const readCommitted = this.#options.readCommitted !== false
    const bounds = { waitMs, bytesMax: FETCH_BYTES_MAX, readCommitted }
    const positions = readings.map(({ topic, partition, position: offset }) => ({
      topic,
      partition,
      offset,
    }))
    const answers = await this.#link.fetchAll(leader, positions, bounds)
    let stale = false
    for (const [i, reading] of readings.entries()) {
      const answer = answers[i]
      if (this.#stopped) return false
      if (answer instanceof LinkError) {
        if (answer.type === 'OFFSET_OUT_OF_RANGE') throw outOfRange(reading, answer)
        stale = true
      } else if (answer && !reading.seeked) {
        this.#deliver(reading, answer)
      }
    }
    return stale
  }

  #deliver(reading: Reading, fetched: Fetched): void {
    if (fetched.records.length === 0) {
      reading.position = fetched.nextOffset ?? reading.position
      return
    }
    reading.handling = true
    const handler = this.#handle(reading, fetched)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        reading.handling = false
        this.#handlers.delete(handler)
        this.#wake()
      })
    this.#handlers.add(handler)
  }

  async #handle(reading: Reading, { records, nextOffset, endOffset }: Fetched): Promise<void> {
    const { topic, partition } = reading
    const recordsMax = this.#options.maxRecordsPerBatch ?? RECORDS_PER_BATCH_MAX
    for (let from = 0; from < records.length && !this.#stopped; from += recordsMax) {
      const slice = records.slice(from, from + recordsMax)
      const batch = { topic, partition, records: slice, endOffset }
      let seek: { readonly seekTo: bigint } | undefined
      try {
        seek = await this.#options.onBatch(batch)
      } catch (error) {
        const what = `onBatch of "${topic}" partition ${partition} failed`
        throw crashed(this.#options.groupId, what, error)
      }
      this.#session.onAlive()
      if (seek) reading.position = seek.seekTo
      else if (!reading.seeked) {
        const isLast = from + recordsMax >= records.length
        const next = (slice.at(-1)?.offset ?? reading.position) + 1n
        reading.position = isLast ? (nextOffset ?? next) : next
      }
      this.#commitSoon()
      if (seek || reading.seeked) return
    }
  }

  #commitSoon(): void {
    if (this.#committing) return
    this.#committing = this.#commit()
      .catch((error: unknown) => {
        if (errorInfo(error).type === 'REBALANCE_IN_PROGRESS') this.#stop()
        else this.#fail(error)
      })
      .finally(() => {
        this.#committing = undefined
      })
  }

  async #commit(): Promise<void> {
    if (this.#options.commit === false) return
    const changed = this.#readings
      .filter(({ position, committed }) => position !== committed)
      .map((reading) => ({ reading, offset: reading.position }))
    if (changed.length === 0) return
    await this.#membership.commit(
      changed.map(({ reading: { topic, partition }, offset }) => ({ topic, partition, offset })),
      this.#session.requestTimeoutMs,
    )
    for (const { reading, offset } of changed) reading.committed = offset
  }
}

function crashed(groupId: string, what: string, cause: unknown): KafkaError {
  if (cause instanceof KafkaError && cause.code !== 'consumer_crashed') return cause
  const text = `The consumer of group "${groupId}" died: ${what}: ${errorInfo(cause).message}`
  return new KafkaError('consumer_crashed', text, { cause })
}

function outOfRange({ topic, partition, position }: Reading, cause: unknown): KafkaError {
  return new KafkaError(
    'offset_out_of_range',
    `Offset ${position} of "${topic}" partition ${partition} is not in the log (any more)`,
    { cause },
  )
}
