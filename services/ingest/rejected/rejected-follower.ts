import { type Kafka, KafkaError, type PartitionOffset } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'
import type { Logger } from '@kappa/service/logger'
import type { RejectedSettings } from './rejected-settings.ts'
import type { RejectionIndex } from './rejection-index.ts'

/** Records of one read; their payloads are dropped at once. */
const recordsPerReadMax = 256
/** Every so many looks at the end, what Kafka has deleted is forgotten. */
const looksPerForgetting = 30

export interface FollowerParts {
  readonly kafka: Pick<Kafka, 'readAt'> & {
    readonly admin: Pick<Kafka['admin'], 'beginOffsets' | 'endOffsets'>
  }
  readonly settings: RejectedSettings
  readonly index: RejectionIndex
  readonly logger: Logger
  readonly now: () => number
}

/**
 * Reads the topic of rejected events into the index: at start from as far back as the index holds,
 * then whenever somebody asks, and now and then by itself. It pulls and joins no group, so that an
 * answer can wait for exactly the records that were there when it was asked for.
 */
export class RejectedFollower {
  readonly #parts: FollowerParts
  readonly #positions = new Map<number, bigint>()
  /** Partitions whose first record tells from when on they are known. */
  readonly #skipped = new Set<number>()
  #ready = false
  #looks = 0
  #running: Promise<void> = Promise.resolve()
  #queued: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #failing = false

  constructor(parts: FollowerParts) {
    this.#parts = parts
  }

  /** Begins to read, and goes on until `stop`; whatever fails is tried again. */
  start(): void {
    const { logger, settings } = this.#parts
    const again = () => {
      if (!this.#stopped) this.#timer = setTimeout(look, settings.pollIntervalMs)
    }
    const look = () => {
      this.#read().then(
        () => {
          if (this.#failing) logger.info('Rejected events are read again')
          this.#failing = false
          again()
        },
        (error: unknown) => {
          if (!this.#failing) logger.warn({ err: error }, 'Rejected events cannot be read')
          this.#failing = true
          again()
        },
      )
    }
    look()
  }

  /** Resolves when nothing is being read any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await Promise.allSettled([this.#running, this.#queued])
  }

  /**
   * Resolves when the index knows everything that was in the topic when this was called.
   * @throws ServiceError `rebuilding` until the topic was read once to its end, `kafka_unavailable`
   */
  async caughtUp(): Promise<void> {
    if (!this.#ready) {
      throw new ServiceError(
        'rebuilding',
        'The rejected events are still being read from Kafka after a start. Ask again; publishing works.',
        { retryAfterSeconds: 1 },
      )
    }
    try {
      await this.#read()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new ServiceError(
        'kafka_unavailable',
        `The rejected events cannot be read from Kafka now (${reason}). Ask again.`,
        { retryAfterSeconds: 2, cause: error },
      )
    }
  }

  /** One read for all that wait: one that has begun may have missed the caller's records. */
  #read(): Promise<void> {
    this.#queued ??= Promise.allSettled([this.#running]).then(() => {
      this.#queued = undefined
      this.#running = this.#readToEnd()
      return this.#running
    })
    return this.#queued
  }

  async #readToEnd(): Promise<void> {
    const { kafka, settings, index, now } = this.#parts
    const ends = await kafka.admin.endOffsets(settings.topic)
    if (!this.#ready || this.#looks++ % looksPerForgetting === 0) {
      const begins = byPartition(await kafka.admin.beginOffsets(settings.topic))
      this.#placeUnknown(begins, ends)
      index.forget(now() - settings.retentionMs, begins)
    }
    const reads = await Promise.allSettled(
      ends.map(({ partition, offset }) => this.#readPartition(partition, offset)),
    )
    const failed = reads.find((read) => read.status === 'rejected')
    if (failed !== undefined) {
      if (failed.reason instanceof ReplacedTopicError) this.#startAnew()
      throw failed.reason
    }
    this.#ready ||= !this.#stopped
  }

  /** More records than the index holds need not be read: its entries are among the last of each. */
  #placeUnknown(begins: ReadonlyMap<number, bigint>, ends: readonly PartitionOffset[]): void {
    const recordsMax = BigInt(this.#parts.settings.entriesMax)
    for (const { partition, offset: end } of ends) {
      if (this.#positions.has(partition)) continue
      const begin = begins.get(partition) ?? 0n
      const skips = end - begin > recordsMax
      this.#positions.set(partition, skips ? end - recordsMax : begin)
      if (skips) this.#skipped.add(partition)
    }
  }

  async #readPartition(partition: number, end: bigint): Promise<void> {
    const { kafka, settings, index, logger } = this.#parts
    const { topic } = settings
    const known = this.#positions.get(partition) ?? 0n
    if (known > end) throw new ReplacedTopicError(partition, known, end)
    for (;;) {
      const position = this.#positions.get(partition) ?? 0n
      if (this.#stopped || position >= end) return
      let records: Awaited<ReturnType<Kafka['readAt']>>
      try {
        records = await kafka.readAt(topic, partition, position, recordsPerReadMax)
      } catch (error) {
        if (!(error instanceof KafkaError && error.code === 'offset_out_of_range')) throw error
        const begin = byPartition(await kafka.admin.beginOffsets(topic)).get(partition) ?? 0n
        // Deleted by retention while nobody read; past the end it is another topic.
        if (begin <= position) throw new ReplacedTopicError(partition, position, end)
        logger.info(
          { partition, position: String(position) },
          'Rejected events were deleted unread',
        )
        this.#positions.set(partition, begin)
        continue
      }
      const [first] = records
      if (first !== undefined && this.#skipped.delete(partition)) {
        index.incompleteBefore(first.timestamp)
      }
      for (const record of records) index.take(record)
      const last = records.at(-1)
      this.#positions.set(partition, last === undefined ? end : last.offset + 1n)
    }
  }

  #startAnew(): void {
    this.#parts.index.clear()
    this.#positions.clear()
    this.#skipped.clear()
    this.#ready = false
  }
}

/** The topic was deleted and made again: nothing that was known of it is there. */
class ReplacedTopicError extends Error {
  constructor(partition: number, position: bigint, end: bigint) {
    super(
      `partition ${partition} of the topic of rejected events ends at ${end}, before ${position}, which was read: the topic is another one and is read anew`,
    )
  }
}

function byPartition(offsets: readonly PartitionOffset[]): Map<number, bigint> {
  return new Map(offsets.map(({ partition, offset }) => [partition, offset]))
}
