import type { LinkTimeouts, OpenLink } from '../broker-link.ts'
import { partitionForKey } from '../murmur2.ts'
import {
  KafkaError,
  type OutgoingRecord,
  type Placement,
  type Producer,
  type ProducerOptions,
} from '../port.ts'
import { settledWithin } from '../time.ts'
import { Lane, type LaneLimits } from './lane.ts'
import { PendingSend } from './pending-send.ts'
import { recordBytes } from './produce-request.ts'

const QUEUE_BYTES_MAX = 64 * 1024 * 1024
const BATCH_RECORDS_MAX = 10_000
/** Kafka's default `max.message.bytes` is 1,048,588 for a partition's batch. */
const BATCH_BYTES_MAX = 1_000_000
const DELIVERY_TIMEOUT_MS = 15_000
const TOPICS_MAX = 1_000

export class BatchingProducer implements Producer {
  readonly #openLink: OpenLink
  readonly #timeouts: LinkTimeouts
  readonly #limits: LaneLimits
  readonly #queueBytesMax: number
  readonly #lanes = new Map<string, Lane>()
  readonly #open = new Set<PendingSend>()
  readonly #release = (send: PendingSend): void => {
    this.#queuedBytes -= send.bytes
    this.#open.delete(send)
  }
  #queuedBytes = 0
  #keyless = 0
  #closing: Promise<void> | undefined

  constructor(openLink: OpenLink, timeouts: LinkTimeouts, options: ProducerOptions = {}) {
    this.#openLink = openLink
    this.#timeouts = timeouts
    this.#queueBytesMax = options.queueBytesMax ?? QUEUE_BYTES_MAX
    this.#limits = {
      batchRecordsMax: options.batchRecordsMax ?? BATCH_RECORDS_MAX,
      batchBytesMax: options.batchBytesMax ?? BATCH_BYTES_MAX,
      deliveryTimeoutMs: options.deliveryTimeoutMs ?? DELIVERY_TIMEOUT_MS,
    }
  }

  async send(topic: string, records: readonly OutgoingRecord[]): Promise<Placement[]> {
    if (this.#closing) throw new KafkaError('closed', 'The producer is closed')
    if (records.length === 0) return []
    const sizes = records.map(recordBytes)
    let bytes = 0
    for (const size of sizes) bytes += size
    this.#checkBounds(sizes, bytes)
    const deadline = Date.now() + this.#limits.deliveryTimeoutMs
    const send = new PendingSend(topic, records.length, bytes, deadline, this.#release)
    this.#queuedBytes += bytes
    this.#open.add(send)
    try {
      const lane = this.#lane(topic)
      const partitions = lane.knownPartitions ?? (await lane.partitions(deadline))
      const chosen = records.map((record) => this.#partition(topic, record, partitions))
      for (let index = 0; index < records.length; index += 1) {
        lane.enqueue({
          record: records[index] as OutgoingRecord,
          bytes: sizes[index] as number,
          send,
          index,
          partition: chosen[index] as number,
        })
      }
      lane.kick()
    } catch (error) {
      send.fail(error as KafkaError)
      if (error instanceof KafkaError && error.code === 'unknown_topic') this.#forget(topic)
    }
    return send.promise
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const lanes = [...this.#lanes.values()]
    await settledWithin(
      Promise.allSettled([...this.#open].map(({ promise }) => promise)),
      this.#limits.deliveryTimeoutMs + this.#timeouts.requestTimeoutMs,
    )
    await Promise.all(lanes.map((lane) => lane.close()))
  }

  #checkBounds(sizes: readonly number[], bytes: number): void {
    const tooLarge = sizes.findIndex((size) => size > this.#limits.batchBytesMax)
    if (tooLarge >= 0) {
      throw new KafkaError(
        'record_too_large',
        `Record ${tooLarge} has ${sizes[tooLarge]} bytes, over batchBytesMax (${this.#limits.batchBytesMax} bytes)`,
      )
    }
    if (this.#queuedBytes + bytes > this.#queueBytesMax) {
      throw new KafkaError(
        'queue_full',
        `${this.#queuedBytes} bytes wait for Kafka and ${bytes} more would exceed queueBytesMax (${this.#queueBytesMax} bytes)`,
      )
    }
  }

  #lane(topic: string): Lane {
    let lane = this.#lanes.get(topic)
    if (!lane) {
      if (this.#lanes.size >= TOPICS_MAX) {
        throw new KafkaError('queue_full', `A producer writes to at most ${TOPICS_MAX} topics`)
      }
      lane = new Lane(this.#openLink, this.#timeouts, topic, this.#limits)
      this.#lanes.set(topic, lane)
    }
    return lane
  }

  /** Unless other calls write to it: they may have found the topic. */
  #forget(topic: string): void {
    for (const send of this.#open) if (send.topic === topic) return
    const lane = this.#lanes.get(topic)
    this.#lanes.delete(topic)
    void lane?.close()
  }

  #partition(topic: string, record: OutgoingRecord, partitions: number): number {
    if (record.partition !== undefined) {
      if (
        Number.isInteger(record.partition) &&
        record.partition >= 0 &&
        record.partition < partitions
      ) {
        return record.partition
      }
      throw new KafkaError(
        'unknown_topic',
        `"${topic}" has ${partitions} partitions: there is no partition ${record.partition}`,
      )
    }
    if (record.key !== null) return partitionForKey(record.key, partitions)
    this.#keyless = (this.#keyless + 1) % partitions
    return this.#keyless
  }
}
