import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { StreamSource } from '@kappa/applications/stream-plan'
import { toWireFormat } from '@kappa/contracts/wire-format'
import type { Kafka } from '@kappa/kafka/port'

/** What the tests publish: something happened to `k` at `at` (epoch ms). */
export interface TestEvent {
  readonly id: string
  readonly at: number
  readonly k: string
  readonly n: number
}

export interface LoggedEvent extends TestEvent {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

const TIMEOUT_MS = 30_000
const SCHEMA_ID = 7
const schema = JSON.stringify({
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'k', type: 'string' },
    { name: 'n', type: 'long' },
  ],
})

/** A stream over a topic of these events, with one minute of lateness: 6 minutes of narrow delay. */
export function sourceOf(name: string, topic: string): StreamSource {
  return {
    name,
    topic,
    eventTime: 'at',
    latenessMs: 60_000,
    earlinessMs: 0,
    importDisorderMaxMs: 0,
    columns: ['at', 'k', 'n'],
    versions: [{ schemaId: SCHEMA_ID, schema }],
    readerSchema: schema,
  }
}

/** Topics of test events, and what was appended to them: the independent record of the log. */
export class EventLog {
  readonly events: LoggedEvent[] = []
  readonly #kafka: Kafka

  constructor(kafka: Kafka) {
    this.#kafka = kafka
  }

  async create(topic: string, partitions: number): Promise<void> {
    await this.#kafka.admin.createTopics([{ topic, partitions }], TIMEOUT_MS)
  }

  /** Accepted at the moment of their event time. */
  async append(topic: string, partition: number, events: readonly TestEvent[]): Promise<void> {
    const records = events.map((event) => ({
      key: Buffer.from(event.k),
      value: encodeEvent(event),
      headers: { 'kappa-id': event.id, 'kappa-accepted': String(event.at) },
      partition,
    }))
    const producer = this.#kafka.producer()
    try {
      const placements = await producer.send(topic, records)
      for (const [index, event] of events.entries()) {
        const offset = Number(placements[index]?.offset)
        this.events.push({ ...event, topic, partition, offset })
      }
    } finally {
      await producer.close()
    }
  }

  /** The events of a topic below a cut of the log. */
  below(topic: string, cut: OffsetsByTopic): LoggedEvent[] {
    return this.events.filter(
      (event) =>
        event.topic === topic && event.offset < Number(cut[topic]?.[String(event.partition)] ?? 0),
    )
  }

  /** Where the topics end, by what was appended. */
  ends(...topics: readonly string[]): OffsetsByTopic {
    const ends: Record<string, Record<string, string>> = {}
    for (const { topic, partition, offset } of this.events) {
      if (!topics.includes(topic)) continue
      ends[topic] ??= {}
      const known = Number(ends[topic][partition] ?? 0)
      ends[topic][partition] = String(Math.max(known, offset + 1))
    }
    return ends
  }
}

export function encodeEvent(event: TestEvent): Buffer {
  return toWireFormat(SCHEMA_ID, encode(event))
}

/** Avro binary of the schema above. */
function encode({ at, k, n }: TestEvent): Buffer {
  const text = Buffer.from(k)
  return Buffer.concat([long(at), long(text.length), text, long(n)])
}

/** https://avro.apache.org/docs/1.12.0/specification/#binary-encoding: zigzag, seven bits a byte. */
function long(value: number): Buffer {
  let rest = value >= 0 ? BigInt(value) * 2n : BigInt(value) * -2n - 1n
  const bytes: number[] = []
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  return Buffer.from([...bytes, Number(rest)])
}
