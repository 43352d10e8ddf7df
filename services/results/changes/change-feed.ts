import { randomUUID } from 'node:crypto'
import type { Consumer, IncomingRecord, Kafka } from '@kappa/kafka/port'
import type { LoadedView } from '../loading/loaded-view.ts'

export interface FeedSettings {
  /** Of the newest changes that are kept in memory for all who follow a view. */
  readonly bytesMax: number
}

export interface FeedRead {
  readonly records: readonly IncomingRecord[]
  /** Where to go on. */
  readonly next: bigint
}

const maxWaitMs = 500

/**
 * The newest changes of one view of one release, read once for all who follow it: each reads from
 * where it is, so that a slow one costs no memory. What is older is read from Kafka.
 */
export class ChangeFeed {
  readonly view: LoadedView
  readonly #kafka: Kafka
  readonly #tails: Tail[]
  #consumer: Consumer | undefined
  #change = Promise.withResolvers<void>()
  #failure: unknown
  #closed = false

  constructor(kafka: Kafka, view: LoadedView, { bytesMax }: FeedSettings) {
    this.view = view
    this.#kafka = kafka
    const bytesEach = Math.floor(bytesMax / view.slots.length)
    this.#tails = view.slots.map(() => new Tail(bytesEach))
  }

  /** @throws KafkaError */
  async start(groupPrefix: string): Promise<void> {
    const { topic } = this.view.definition.changelog
    const ends = await this.#kafka.admin.endOffsets(topic)
    for (const { partition, offset } of ends) this.#tails[partition]?.begin(offset)
    const consumer = await this.#kafka.consumer({
      groupId: `${groupPrefix}.${randomUUID()}`,
      topics: [topic],
      from: 'end',
      commit: false,
      maxWaitMs,
      startAt: async (_topic, partition) => this.#tails[partition]?.end,
      onBatch: async ({ partition, records }) => {
        this.#tails[partition]?.add(records)
        this.notify()
        return undefined
      },
    })
    this.#consumer = consumer
    if (this.#closed) return consumer.close()
    consumer.finished.catch((error: unknown) => {
      this.#failure = error
      this.notify()
    })
  }

  /** Why it has ended by itself. */
  get failure(): unknown {
    return this.#failure
  }

  /**
   * The changes from an offset on.
   * @throws KafkaError when they are not in memory and Kafka cannot be read
   */
  async read(partition: number, from: bigint, recordsMax: number): Promise<FeedRead> {
    const tail = this.#tails[partition]
    if (!tail) throw new Error(`${this.view.name} has no partition ${partition}`)
    const found = tail.read(from, recordsMax)
    if (found) return found
    const begin = tail.begins
    const { topic } = this.view.definition.changelog
    const records = await this.#kafka.readAt(topic, partition, from, recordsMax)
    const last = records.at(-1)
    // Nothing is left between there and what is in memory.
    return { records, next: last === undefined ? begin : last.offset + 1n }
  }

  /** Resolves when there is something new to look at, after `timeoutMs`, or when called off. */
  async changed(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const over = Promise.withResolvers<void>()
    const timer = setTimeout(over.resolve, timeoutMs)
    const listener = () => over.resolve()
    signal.addEventListener('abort', listener)
    await Promise.race([this.#change.promise, over.promise])
    signal.removeEventListener('abort', listener)
    clearTimeout(timer)
  }

  notify(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers<void>()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.notify()
    await this.#consumer?.close()
  }
}

/** The newest records of one partition. */
class Tail {
  readonly #bytesMax: number
  #records: IncomingRecord[] = []
  #bytes = 0
  begins = 0n
  end = 0n

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  begin(offset: bigint): void {
    this.begins = offset
    this.end = offset
  }

  add(records: readonly IncomingRecord[]): void {
    for (const record of records) {
      // Delivered again after a rebalance.
      if (record.offset < this.end) continue
      this.#records.push(record)
      this.#bytes += sizeOf(record)
      this.end = record.offset + 1n
    }
    let dropped = 0
    while (this.#bytes > this.#bytesMax && dropped < this.#records.length) {
      const oldest = this.#records[dropped] as IncomingRecord
      this.#bytes -= sizeOf(oldest)
      this.begins = oldest.offset + 1n
      dropped += 1
    }
    if (dropped > 0) this.#records = this.#records.slice(dropped)
  }

  read(from: bigint, recordsMax: number): FeedRead | undefined {
    if (from < this.begins) return undefined
    const first = this.#firstAt(from)
    const records = this.#records.slice(first, first + recordsMax)
    const last = records.at(-1)
    return { records, next: last === undefined ? from : last.offset + 1n }
  }

  #firstAt(offset: bigint): number {
    let [low, high] = [0, this.#records.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#records[middle] as IncomingRecord).offset < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

const overheadBytes = 200

function sizeOf({ key, value }: IncomingRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + overheadBytes
}
