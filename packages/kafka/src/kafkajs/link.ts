import type { BrokerLink, Fetched, FetchRequest } from '../broker-link.ts'
import type { KafkaConfig, PartitionOffset } from '../port.ts'
import {
  decodeProduceResponse,
  encodeProduceRequest,
  type PartitionAnswer,
  PRODUCE_API_KEY,
  PRODUCE_VERSION,
  type SizedMessage,
} from '../producing/produce-request.ts'
import { settledWithin } from '../time.ts'
import {
  BatchClass,
  type Broker,
  type Cluster,
  ClusterClass,
  createErrorFromCode,
  createKafkaJsLogger,
} from './internals.ts'
import { listOffsets } from './offsets.ts'
import { toIncomingRecord } from './records.ts'
import { kafkaJsSecurity } from './security.ts'
import { DISCONNECT_MS_MAX, LOG_LEVEL, logCreatorFor } from './settings.ts'
import { TrackedSockets } from './sockets.ts'

const METADATA_AGE_MS_MAX = 60_000
const READ_COMMITTED = 1

/** One set of connections to the brokers, thrown away after any doubt about it. */
export class Link implements BrokerLink {
  readonly sockets = new TrackedSockets()
  readonly #cluster: Cluster
  readonly #addresses: number
  #disposed: Promise<void> | undefined

  constructor(config: KafkaConfig, options: { readonly requestsInFlight?: number } = {}) {
    this.#addresses = config.brokers.length
    this.#cluster = new ClusterClass({
      logger: createKafkaJsLogger({ level: LOG_LEVEL, logCreator: logCreatorFor(config) }),
      socketFactory: this.sockets.factory,
      ...kafkaJsSecurity(config),
      brokers: config.brokers,
      clientId: config.clientId,
      connectionTimeout: config.connectTimeoutMs,
      requestTimeout: config.requestTimeoutMs,
      enforceRequestTimeout: true,
      metadataMaxAge: METADATA_AGE_MS_MAX,
      maxInFlightRequests: options.requestsInFlight ?? null,
      allowAutoTopicCreation: false,
      retry: { retries: 0 },
    })
  }

  get disposed(): boolean {
    return this.#disposed !== undefined
  }

  /** Connects to any broker and learns the others. */
  async connect(topics: readonly string[] = []): Promise<void> {
    await this.#connectAny()
    if (topics.length > 0) await this.#cluster.addMultipleTargetTopics(topics)
    else await this.#cluster.refreshMetadata()
  }

  async connectSeed(): Promise<Broker> {
    await this.#connectAny()
    return this.any()
  }

  /** kafkajs goes on to the next address after a failed attempt, but makes one attempt only. */
  async #connectAny(): Promise<void> {
    for (let left = this.#addresses - 1; ; left -= 1) {
      try {
        await this.#cluster.connect()
        return
      } catch (error) {
        if (left <= 0) throw error
      }
    }
  }

  addTopic(topic: string): Promise<void> {
    return this.#cluster.addMultipleTargetTopics([topic])
  }

  refresh(): Promise<void> {
    return this.#cluster.refreshMetadata()
  }

  any(): Promise<Broker> {
    return this.#cluster.brokerPool.findConnectedBroker()
  }

  broker(nodeId: number): Promise<Broker> {
    return this.#cluster.findBroker({ nodeId })
  }

  /** Leaders by partition as of the last refresh; a missing one has no leader now. */
  leaders(topic: string): Map<number, number> {
    const leaders = new Map<number, number>()
    for (const { partitionId, leader } of this.#cluster.findTopicPartitionMetadata(topic)) {
      if (leader !== null && leader >= 0) leaders.set(partitionId, leader)
    }
    return leaders
  }

  partitionCount(topic: string): number {
    return this.#cluster.findTopicPartitionMetadata(topic).length
  }

  async topics(): Promise<string[]> {
    const { topicMetadata } = await (await this.any()).metadata([])
    return topicMetadata.map(({ topic }) => topic)
  }

  async describe(topic: string): Promise<readonly (number | undefined)[]> {
    const { topicMetadata } = await (await this.any()).metadata([topic])
    const found = topicMetadata.find((candidate) => candidate.topic === topic)
    return [...(found?.partitionMetadata ?? [])]
      .sort((a, b) => a.partitionId - b.partitionId)
      .map(({ leader }) => (leader === null || leader < 0 ? undefined : leader))
  }

  get producesWritten(): number {
    return this.sockets.written(PRODUCE_API_KEY)
  }

  async produce(
    leader: number,
    topic: string,
    partitions: ReadonlyMap<number, readonly SizedMessage[]>,
    timeoutMs: number,
  ): Promise<PartitionAnswer[]> {
    const broker = await this.broker(leader)
    return broker.connectionPool.send({
      request: {
        apiKey: PRODUCE_API_KEY,
        apiVersion: PRODUCE_VERSION,
        apiName: 'Produce',
        encode: async () => {
          const buffer = encodeProduceRequest(topic, partitions, timeoutMs)
          return { buf: buffer, buffer }
        },
      },
      response: {
        decode: async (payload) => decodeProduceResponse(payload, createErrorFromCode),
        parse: async (answers) => answers,
      },
    })
  }

  async fetch(request: FetchRequest): Promise<Fetched> {
    const { topic, partition, waitMs, bytesMax } = request
    const leader = this.leaders(topic).get(partition)
    if (leader === undefined) throw new Error(`partition ${partition} has no leader`)
    const broker = await this.broker(leader)
    const fetchOffset = request.offset.toString()
    const { responses } = await broker.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime: waitMs,
      minBytes: 1,
      maxBytes: bytesMax,
      topics: [{ topic, partitions: [{ partition, fetchOffset, maxBytes: bytesMax }] }],
    })
    const fetched = responses[0]?.partitions[0]
    if (!fetched) throw new Error(`the answer leaves out partition ${partition}`)
    const { messages, rawMessages } = new BatchClass(topic, fetchOffset, fetched)
    const last = rawMessages.at(-1)
    return {
      records: messages.map((message) => toIncomingRecord(topic, partition, message)),
      nextOffset: last === undefined ? undefined : BigInt(last.offset) + 1n,
      stableEnd: BigInt(fetched.lastStableOffset),
      endOffset: BigInt(fetched.highWatermark),
    }
  }

  listOffsets(topic: string, timestamp: number): Promise<PartitionOffset[]> {
    return listOffsets(this, topic, timestamp)
  }

  /** Bounded: an orderly disconnect, else the sockets are destroyed. */
  dispose(): Promise<void> {
    this.#disposed ??= settledWithin(this.#cluster.disconnect(), DISCONNECT_MS_MAX).then(() =>
      this.sockets.destroyAll(),
    )
    return this.#disposed
  }

  /** After an error: nothing is worth waiting for. */
  abandon(): void {
    this.sockets.destroyAll()
    void this.dispose()
  }
}
