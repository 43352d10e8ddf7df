import { setTimeout as pause } from 'node:timers/promises'
import { connectKafka } from '@kappa/kafka/connect'
import { type Kafka, type KafkaConfig, KafkaError, type Placement } from '@kappa/kafka/port'
import type { Acknowledged } from './log-audit.ts'

const WRITERS = 3
const RECORDS_PER_SEND = 20
/** Between two sends of a writer: a load that leaves the machine time for the brokers. */
const PAUSE_MS = 100

/**
 * Writes through the port, from several writers at once, and sends again with the same ids whatever
 * was not acknowledged, as the port's errors ask for.
 */
export class PortWriter {
  readonly topic: string
  readonly acknowledged: Acknowledged = new Map()
  /** Sends that failed, by the error's code. */
  readonly failures = new Map<string, number>()
  readonly #kafka: Kafka
  readonly #stop = new AbortController()
  readonly #writers: Promise<void>[]
  #sent = 0

  static async start(
    config: Pick<KafkaConfig, 'brokers' | 'client'>,
    topic: string,
  ): Promise<PortWriter> {
    const kafka = await connectKafka({
      ...config,
      clientId: 'port-writer',
      requestTimeoutMs: 5_000,
      connectTimeoutMs: 2_000,
    })
    return new PortWriter(kafka, topic)
  }

  private constructor(kafka: Kafka, topic: string) {
    this.topic = topic
    this.#kafka = kafka
    const producer = kafka.producer({ deliveryTimeoutMs: 10_000 })
    this.#writers = Array.from({ length: WRITERS }, (_, writer) => this.#write(producer, writer))
  }

  get sent(): number {
    return this.#sent
  }

  /** Resolves when everything that was sent is acknowledged. */
  async finish(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#writers)
  }

  close(): Promise<void> {
    this.#stop.abort()
    return this.#kafka.close()
  }

  async #write(producer: ReturnType<Kafka['producer']>, writer: number): Promise<void> {
    for (let send = 0; !this.#stop.signal.aborted; send += 1) {
      const ids = Array.from({ length: RECORDS_PER_SEND }, (_, i) => `${writer}/${send}/${i}`)
      this.#sent += ids.length
      const placements = await this.#sendUntilAcknowledged(producer, ids)
      for (const [index, id] of ids.entries()) {
        const { partition, offset } = placements[index] as Placement
        this.acknowledged.set(id, { partition, offset: Number(offset) })
      }
      await pause(PAUSE_MS)
    }
  }

  async #sendUntilAcknowledged(
    producer: ReturnType<Kafka['producer']>,
    ids: readonly string[],
  ): Promise<Placement[]> {
    const records = ids.map((id) => ({
      key: Buffer.from(id),
      value: Buffer.from(id.padEnd(200)),
      headers: { 'kappa-id': id },
    }))
    for (;;) {
      try {
        return await producer.send(this.topic, records)
      } catch (error) {
        const code = error instanceof KafkaError ? error.code : 'no KafkaError'
        if (code !== 'unavailable' && code !== 'unknown') throw error
        this.failures.set(code, (this.failures.get(code) ?? 0) + 1)
        await pause(PAUSE_MS)
      }
    }
  }
}
