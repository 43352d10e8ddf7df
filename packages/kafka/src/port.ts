/**
 * The one port to Kafka. Services and tests see these types only; the client library behind
 * them can be exchanged, and `conformance/` says what any implementation must do.
 *
 * Offsets are bigint (Kafka's int64). Timestamps are milliseconds since the epoch.
 */

export interface KafkaConfig {
  readonly brokers: readonly string[]
  readonly clientId: string
  /** Longest wait for one request's response. */
  readonly requestTimeoutMs: number
  /** Longest wait for a TCP connection. */
  readonly connectTimeoutMs: number
  /** The library that speaks to Kafka, behind the same promises; left out, kafkajs. */
  readonly client?: KafkaClientName
  /** Left out: plain text, and nobody asks who we are. */
  readonly security?: KafkaSecurity
  /** Where the client library's own log goes; left out, nowhere. */
  readonly log?: KafkaLog
}

export type KafkaClientName = 'kafkajs' | 'platformatic'

/** Holds secrets: never log it, never put it into an error's message. */
export interface KafkaSecurity {
  /** Left out: no TLS. */
  readonly tls?: KafkaTls
  /** Left out: no SASL. */
  readonly sasl?: KafkaSasl
}

/** Everything as PEM text. */
export interface KafkaTls {
  /** The authorities that the brokers' certificates are checked with; left out, the system's. */
  readonly ca?: string
  /** What the brokers know us by, when they ask for a certificate: its chain and its key. */
  readonly client?: { readonly certificate: string; readonly key: string }
}

export type KafkaSasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      readonly password: string
    }
  | {
      readonly mechanism: 'oauthbearer'
      /** Where tokens come from, by OAuth 2.0 client credentials. See `oauth-token.ts`. */
      readonly tokenUrl: string
      readonly clientId: string
      readonly clientSecret: string
      readonly scope?: string
    }

export type KafkaLog = (
  level: 'error' | 'warn' | 'info' | 'debug',
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void

export interface TopicSpec {
  readonly topic: string
  readonly partitions: number
  readonly replicationFactor?: number
  /** Kafka's topic configuration, for example `{ 'cleanup.policy': 'compact' }`. */
  readonly config?: Readonly<Record<string, string>>
}

export interface OutgoingRecord {
  readonly key: Buffer | null
  /** null is a tombstone. */
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, Buffer | string>>
  /** Left out: Kafka's own choice, murmur2 of the key bytes (round robin without a key). */
  readonly partition?: number
}

export interface Placement {
  readonly partition: number
  readonly offset: bigint
}

export interface IncomingRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer>>
}

export interface PartitionOffset {
  readonly partition: number
  readonly offset: bigint
}

export interface Producer {
  /**
   * Appends all records to one topic with acks=all, or none is acknowledged. Placements come
   * in the order of the records. Batches of concurrent calls are merged; one request per
   * broker connection is in flight.
   *
   * @throws KafkaError `queue_full` (bound in the message, nothing was sent), `unavailable`
   *   (not sent or refused: retry later), `unknown` (may be in the log: retry with the same ids),
   *   `record_too_large`, `unknown_topic`, `closed`.
   */
  send(topic: string, records: readonly OutgoingRecord[]): Promise<Placement[]>
  /** Waits for what is in flight (bounded), then disconnects. Idempotent. */
  close(): Promise<void>
}

/** A producer with a fixed transactional id: opening a second one fences the first. */
export interface TransactionalProducer {
  /**
   * Commits all records of all topics, or none.
   * @throws KafkaError `fenced` when a newer producer has the id: stop acting at once.
   */
  commit(records: readonly (OutgoingRecord & { readonly topic: string })[]): Promise<void>
  close(): Promise<void>
}

export interface ConsumerOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  /** Where a partition without a committed offset starts. */
  readonly from: 'beginning' | 'end'
  readonly readCommitted?: boolean
  /** false: offsets are kept elsewhere (`startAt`), nothing is committed to Kafka. */
  readonly commit?: boolean
  /** Asked at each assignment of a partition; undefined falls back to committed or `from`. */
  readonly startAt?: (topic: string, partition: number) => Promise<bigint | undefined>
  readonly onAssigned?: (assigned: readonly { topic: string; partitions: number[] }[]) => void
  /**
   * One partition's records in order, no more than `maxRecords`. The next batch of that partition
   * comes after the promise; a rejection ends the consumer loudly (`finished` rejects with it), so that
   * a batch that can't be handled is never delivered again in a loop.
   * Return `seekTo` to go on from there instead.
   */
  readonly onBatch: (batch: Batch) => Promise<{ readonly seekTo: bigint } | undefined>
  readonly maxRecordsPerBatch?: number
  /** Of how many partitions batches may be handled at a time; one after the other by default. */
  readonly partitionsAtOnce?: number
  readonly maxWaitMs?: number
  /** Without a heartbeat for this long the group gives the partitions to others. */
  readonly sessionTimeoutMs?: number
  readonly heartbeatIntervalMs?: number
  /** How long the brokers may be out of reach before the consumer dies. */
  readonly outageMsMax?: number
  /** Longest wait of `close()`, a batch that is being handled included. */
  readonly closeTimeoutMs?: number
}

export interface Batch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly IncomingRecord[]
  /** End of the partition as the broker last told (exclusive). */
  readonly endOffset: bigint
}

export interface Consumer {
  /** Jumps within an assigned partition; takes effect before the next batch. */
  seek(topic: string, partition: number, offset: bigint): void
  /** Never resolves while the consumer runs; rejects with the cause when it dies, resolves after close(). */
  readonly finished: Promise<void>
  close(): Promise<void>
}

export interface KafkaAdmin {
  /** Creates what is missing and waits until every partition has a leader. Existing topics are left. Returns the created names. */
  createTopics(specs: readonly TopicSpec[], timeoutMs: number): Promise<string[]>
  /** Resolves when the topics are gone from the metadata. Unknown ones are ignored. */
  deleteTopics(topics: readonly string[], timeoutMs: number): Promise<void>
  listTopics(): Promise<string[]>
  /** undefined for an unknown topic. */
  partitionCount(topic: string): Promise<number | undefined>
  beginOffsets(topic: string): Promise<PartitionOffset[]>
  /** Exclusive ends (high watermarks). */
  endOffsets(topic: string): Promise<PartitionOffset[]>
  /** First offset with a timestamp at or after `timestamp`; the end where there is none. */
  offsetsAt(topic: string, timestamp: number): Promise<PartitionOffset[]>
  /** Ids of the consumer groups of all brokers. */
  listGroups(): Promise<string[]>
  /**
   * One that is not there is nothing.
   * @throws KafkaError `unavailable`, also while the group has members
   */
  deleteGroup(groupId: string): Promise<void>
}

export interface Kafka {
  readonly admin: KafkaAdmin
  producer(options?: ProducerOptions): Producer
  /** Fences every earlier holder of the id before it resolves. */
  transactionalProducer(transactionalId: string): Promise<TransactionalProducer>
  consumer(options: ConsumerOptions): Promise<Consumer>
  /** Every record of the topic up to its end as of the call, read_committed, then done. Joins no lasting group. */
  readToEnd(topic: string): AsyncIterable<IncomingRecord>
  /**
   * Committed records of one partition from `offset` on, at least one unless there is none, at most
   * `recordsMax`. All calls share one connection to each broker; each takes `requestTimeoutMs` at most.
   *
   * @throws KafkaError `offset_out_of_range` (deleted, or past the end), `unknown_topic` (or
   *   partition), `unavailable`, `closed`
   */
  readAt(
    topic: string,
    partition: number,
    offset: bigint,
    recordsMax: number,
  ): Promise<IncomingRecord[]>
  close(): Promise<void>
}

export interface ProducerOptions {
  /** Bytes of keys and values waiting or in flight; more is refused with `queue_full`. */
  readonly queueBytesMax?: number
  readonly batchRecordsMax?: number
  readonly batchBytesMax?: number
  /** How long a record may take, retries included. */
  readonly deliveryTimeoutMs?: number
}

export type KafkaErrorCode =
  | 'queue_full'
  | 'unavailable'
  | 'authentication_failed'
  | 'unknown'
  | 'record_too_large'
  | 'unknown_topic'
  | 'fenced'
  | 'unsupported_broker'
  | 'consumer_crashed'
  | 'offset_out_of_range'
  | 'closed'

export class KafkaError extends Error {
  readonly code: KafkaErrorCode

  constructor(code: KafkaErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'KafkaError'
    this.code = code
  }
}
