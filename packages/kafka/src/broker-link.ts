import type { IncomingRecord, PartitionOffset } from './port.ts'
import type { PartitionAnswer, SizedMessage } from './producing/produce-request.ts'

/** Kafka's special timestamps of ListOffsets. */
export const LATEST = -1
export const EARLIEST = -2

/** What one fetch of a partition brought, read_committed. */
export interface Fetched {
  /** Without those of aborted transactions and without markers. */
  readonly records: IncomingRecord[]
  /** Where the next fetch goes on; undefined when no batch came. */
  readonly nextOffset: bigint | undefined
  /** No committed record is at this offset or after it (yet). */
  readonly stableEnd: bigint
  /** The high watermark, exclusive. */
  readonly endOffset: bigint
}

export interface FetchRequest {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** How long the broker may wait for the first byte. */
  readonly waitMs: number
  /** Bytes of the answer; a first batch that is larger comes as a whole. */
  readonly bytesMax: number
}

/**
 * What the port's own code needs of a client library: one set of connections to the brokers,
 * thrown away after any doubt about it. Its errors are those that `errorInfo` understands.
 */
export interface BrokerLink {
  readonly disposed: boolean
  /** Connects to any broker, learns the others and the leaders of the topics. */
  connect(topics?: readonly string[]): Promise<void>
  /** Learns the leaders of more topics. */
  addTopic(topic: string): Promise<void>
  /** Learns the leaders anew. */
  refresh(): Promise<void>
  /** Leaders by partition as of the last refresh; a missing one has no leader now. */
  leaders(topic: string): Map<number, number>
  partitionCount(topic: string): number
  topics(): Promise<string[]>
  /** The leader of each partition as of now; undefined where there is none. */
  describe(topic: string): Promise<readonly (number | undefined)[]>
  /** How many Produce requests were handed to the network: only that tells "can't be in the log" from "may be". */
  readonly producesWritten: number
  /** Writes to partitions that the broker leads, acks=all, in one request. */
  produce(
    leader: number,
    topic: string,
    partitions: ReadonlyMap<number, readonly SizedMessage[]>,
    timeoutMs: number,
  ): Promise<PartitionAnswer[]>
  fetch(request: FetchRequest): Promise<Fetched>
  /** The offset of each partition, in the order of the partitions; -1 where none is at the time. */
  listOffsets(topic: string, timestamp: number): Promise<PartitionOffset[]>
  /** Bounded: an orderly disconnect, else the sockets are destroyed. */
  dispose(): Promise<void>
  /** After an error: nothing is worth waiting for. */
  abandon(): void
}

/** What is asked of every link, whatever library it stands on. */
export interface LinkTimeouts {
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
}

/** A link that is not connected yet. */
export type OpenLink = () => BrokerLink
