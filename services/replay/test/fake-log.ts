import { type IncomingRecord, KafkaError } from '@kappa/kafka/port'
import type { LogReader } from '../log/start-offsets.ts'

export interface FakeRecord {
  readonly offset: number
  readonly timestamp: number
  readonly headers: Readonly<Record<string, string>>
}

export interface FakePartition {
  readonly begin: number
  readonly end: number
  /** By offset; where offsets are missing there are marks of transactions. */
  readonly records: readonly FakeRecord[]
}

/** A fake of what replay reads of Kafka: topics in arrays. It counts the reads. */
export class FakeLog implements LogReader {
  reads = 0
  inFlightMost = 0
  #inFlight = 0
  readonly #topics: Readonly<Record<string, readonly FakePartition[]>>

  constructor(topics: Readonly<Record<string, readonly FakePartition[]>>) {
    this.#topics = topics
  }

  readonly admin: LogReader['admin'] = {
    beginOffsets: async (topic) => this.#offsets(topic, ({ begin }) => begin),
    endOffsets: async (topic) => this.#offsets(topic, ({ end }) => end),
  }

  readonly readAt: LogReader['readAt'] = async (topic, partition, offset, recordsMax) => {
    this.reads++
    this.inFlightMost = Math.max(this.inFlightMost, ++this.#inFlight)
    await null
    this.#inFlight--
    const { begin, end, records } = this.#partitions(topic)[partition] as FakePartition
    if (offset < begin || offset > end) {
      throw new KafkaError('offset_out_of_range', `${offset} is not in ${begin} to ${end}`)
    }
    const found = records.slice(firstFrom(records, Number(offset)))
    return found.slice(0, recordsMax).map((record) => incoming(topic, partition, record))
  }

  #offsets(topic: string, of: (partition: FakePartition) => number) {
    return this.#partitions(topic).map((one, partition) => ({ partition, offset: BigInt(of(one)) }))
  }

  #partitions(topic: string): readonly FakePartition[] {
    const partitions = this.#topics[topic]
    if (partitions === undefined) throw new KafkaError('unknown_topic', `there is no ${topic}`)
    return partitions
  }
}

function incoming(topic: string, partition: number, record: FakeRecord): IncomingRecord {
  const { offset, timestamp, headers } = record
  const entries = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const)
  const place = { topic, partition, offset: BigInt(offset), timestamp }
  return { ...place, key: null, value: null, headers: Object.fromEntries(entries) }
}

function firstFrom(records: readonly FakeRecord[], offset: number): number {
  const index = records.findIndex((record) => record.offset >= offset)
  return index < 0 ? records.length : index
}
