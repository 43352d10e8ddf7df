import { type IncomingRecord, type KafkaConfig, KafkaError } from '../port.ts'
import { isUnknownTopic, kafkaJsErrorInfo, toKafkaError, unknownTopic } from './errors.ts'
import { BatchClass, type FetchedPartition } from './internals.ts'
import { Link } from './link.ts'
import { EARLIEST, LATEST, listOffsets } from './offsets.ts'
import { toIncomingRecord } from './records.ts'
import { delay, within } from './time.ts'

const READ_COMMITTED = 1
const FETCH_WAIT_MS = 100
const FETCH_BYTES_MAX = 4 * 1024 * 1024
const RETRY_MS = 100
/** An open transaction holds readers back; Kafka ends it after the producer's timeout (60 s). */
const STANDSTILL_MS_MAX = 90_000

interface Range {
  readonly partition: number
  position: bigint
  readonly end: bigint
}

/**
 * Every committed record from the beginning to the end as of the first step, one partition after
 * the other, without a consumer group.
 */
export async function* readToEnd(
  config: KafkaConfig,
  topic: string,
): AsyncGenerator<IncomingRecord, void> {
  const reader = new Reader(config, topic)
  try {
    for (const range of await reader.ranges()) {
      let movedAt = Date.now()
      while (range.position < range.end) {
        const before = range.position
        for (const record of await reader.next(range)) yield record
        if (range.position > before) movedAt = Date.now()
        else if (Date.now() - movedAt > STANDSTILL_MS_MAX) throw standstill(topic, range)
      }
    }
  } finally {
    await reader.close()
  }
}

function standstill(topic: string, { partition, position, end }: Range): KafkaError {
  return new KafkaError(
    'unavailable',
    `Reading "${topic}" partition ${partition} stood at ${position} of ${end} for ${STANDSTILL_MS_MAX} ms: is a transaction open?`,
  )
}

class Reader {
  readonly #config: KafkaConfig
  readonly #topic: string
  #link: Link | undefined

  constructor(config: KafkaConfig, topic: string) {
    this.#config = config
    this.#topic = topic
  }

  ranges(): Promise<Range[]> {
    return this.#retrying(async (link) => {
      const ends = await listOffsets(link, this.#topic, LATEST)
      const begins = await listOffsets(link, this.#topic, EARLIEST)
      return ends.map(({ partition, offset }) => ({
        partition,
        end: offset,
        position: begins.find((begin) => begin.partition === partition)?.offset ?? 0n,
      }))
    })
  }

  /** The next records before the range's end; moves its position past everything that was seen. */
  async next(range: Range): Promise<IncomingRecord[]> {
    const fetchedAt = range.position.toString()
    const fetched = await this.#retrying((link) => this.#fetch(link, range))
    if (!fetched) return []
    const { messages, rawMessages } = new BatchClass(this.#topic, fetchedAt, fetched)
    const last = rawMessages.at(-1)
    if (last === undefined) {
      // A batch that compaction emptied hides what comes next: only one step can skip no record.
      if (BigInt(fetched.lastStableOffset) > range.position) range.position += 1n
      return []
    }
    const next = BigInt(last.offset) + 1n
    range.position = next > range.position ? next : range.position + 1n
    return messages
      .map((message) => toIncomingRecord(this.#topic, range.partition, message))
      .filter((record) => record.offset < range.end)
  }

  async close(): Promise<void> {
    await this.#link?.dispose()
  }

  async #fetch(link: Link, range: Range): Promise<FetchedPartition | undefined> {
    const leader = link.leaders(this.#topic).get(range.partition)
    if (leader === undefined) throw new Error(`partition ${range.partition} has no leader`)
    const broker = await link.broker(leader)
    const { responses } = await broker.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime: FETCH_WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES_MAX,
      topics: [
        {
          topic: this.#topic,
          partitions: [
            {
              partition: range.partition,
              fetchOffset: range.position.toString(),
              maxBytes: FETCH_BYTES_MAX,
            },
          ],
        },
      ],
    })
    return responses[0]?.partitions[0]
  }

  /** Asks again over new connections until `requestTimeoutMs` have passed. */
  async #retrying<T>(ask: (link: Link) => Promise<T>): Promise<T> {
    const deadline = Date.now() + this.#config.requestTimeoutMs
    for (;;) {
      try {
        const leftMs = Math.max(1, deadline - Date.now())
        return await within(this.#open().then(ask), leftMs, () => new Error('no answer in time'))
      } catch (error) {
        this.#link?.abandon()
        this.#link = undefined
        if (isUnknownTopic(error)) throw unknownTopic(this.#topic, error)
        if (kafkaJsErrorInfo(error).type === 'OFFSET_OUT_OF_RANGE') {
          const text = `"${this.#topic}" lost records while it was being read`
          throw new KafkaError('offset_out_of_range', text, { cause: error })
        }
        if (!kafkaJsErrorInfo(error).retriable || Date.now() + RETRY_MS >= deadline) {
          throw toKafkaError(error, `Reading "${this.#topic}" failed`)
        }
        await delay(RETRY_MS)
      }
    }
  }

  async #open(): Promise<Link> {
    if (this.#link) return this.#link
    const link = new Link(this.#config)
    this.#link = link
    await link.connect([this.#topic])
    return link
  }
}
