import {
  type API,
  type Connection,
  fetchV10,
  findCoordinatorV2,
  listOffsetsV4,
  metadataV7,
  Writer,
} from '@platformatic/kafka'
import type { BrokerLink, Fetched, FetchRequest } from '../broker-link.ts'
import type { KafkaConfig, PartitionOffset } from '../port.ts'
import {
  decodeProduceResponse,
  encodeProduceRequest,
  type PartitionAnswer,
  PRODUCE_API_KEY,
  PRODUCE_VERSION,
  type ProducerState,
  type SizedMessage,
} from '../producing/produce-request.ts'
import { settledWithin } from '../time.ts'
import { Connections } from './connections.ts'
import { errorFromCode, LinkError } from './errors.ts'
import { type FetchedPartition, fetchedOf } from './fetched.ts'
import { type ClusterMetadata, metadataOf, type TopicLeaders } from './metadata.ts'

const DISCONNECT_MS_MAX = 2_000
const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1
/** Nothing is written to a connection in these states. */
const ENDED: ReadonlySet<string> = new Set(['closing', 'closed', 'error'])
const COORDINATOR_KINDS = { group: 0, transaction: 1 } as const
const NO_SESSION = 0
const NO_SESSION_EPOCH = -1

/** The place of a partition in a fetch of several. */
export interface FetchPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

export interface FetchBounds {
  readonly waitMs: number
  readonly bytesMax: number
  readonly readCommitted: boolean
}

export class PlatformaticLink implements BrokerLink {
  readonly #seeds: readonly string[]
  readonly #connections: Connections
  readonly #topics = new Set<string>()
  #metadata: ClusterMetadata = {
    controller: undefined,
    brokers: new Map(),
    topics: new Map(),
  }
  #disposed: Promise<void> | undefined
  #producesWritten = 0

  constructor(config: KafkaConfig) {
    this.#seeds = config.brokers
    this.#connections = new Connections(config)
  }

  get disposed(): boolean {
    return this.#disposed !== undefined
  }

  get producesWritten(): number {
    return this.#producesWritten
  }

  async connect(topics: readonly string[] = []): Promise<void> {
    for (const topic of topics) this.#topics.add(topic)
    await this.refresh()
  }

  async addTopic(topic: string): Promise<void> {
    if (this.#metadata.topics.has(topic)) return
    const metadata = await this.#askMetadata([topic])
    this.#topics.add(topic)
    const topics = new Map([...this.#metadata.topics, ...metadata.topics])
    this.#metadata = { ...metadata, topics }
  }

  async refresh(): Promise<void> {
    this.#metadata = await this.#askMetadata([...this.#topics])
  }

  leaders(topic: string): Map<number, number> {
    return new Map(
      [...this.#known(topic).entries()].filter(
        (entry): entry is [number, number] => entry[1] !== undefined,
      ),
    )
  }

  partitionCount(topic: string): number {
    return this.#known(topic).length
  }

  async topics(): Promise<string[]> {
    return [...(await this.#askMetadata(null)).topics.keys()]
  }

  async describe(topic: string): Promise<TopicLeaders> {
    return (await this.#askMetadata([topic])).topics.get(topic) ?? []
  }

  async produce(
    leader: number,
    topic: string,
    partitions: ReadonlyMap<number, readonly SizedMessage[]>,
    timeoutMs: number,
    producer?: ProducerState,
  ): Promise<PartitionAnswer[]> {
    const connection = await this.connection(leader)
    const body = encodeProduceRequest(topic, partitions, timeoutMs, producer)
    if (!ENDED.has(connection.status)) this.#producesWritten += 1
    return new Promise((resolve, reject) => {
      connection.send<PartitionAnswer[]>(
        PRODUCE_API_KEY,
        PRODUCE_VERSION,
        () => Writer.create().append(body),
        (_correlation, _key, _version, reader) =>
          decodeProduceResponse(reader.buffer.subarray(reader.position).buffer, errorFromCode),
        false,
        false,
        (error, answers) => {
          if (error) reject(this.#connections.failure(connection, error))
          else resolve(answers as PartitionAnswer[])
        },
      )
    })
  }

  async fetch({ topic, partition, offset, waitMs, bytesMax }: FetchRequest): Promise<Fetched> {
    const leader = this.leaders(topic).get(partition)
    if (leader === undefined) throw new Error(`partition ${partition} has no leader`)
    const bounds = { waitMs, bytesMax, readCommitted: true }
    const [fetched] = await this.fetchAll(leader, [{ topic, partition, offset }], bounds)
    if (!fetched) throw new Error(`the answer leaves out partition ${partition}`)
    if (fetched instanceof LinkError) throw fetched
    return fetched
  }

  /** What came for each position, or why nothing did, in their order. */
  async fetchAll(
    leader: number,
    positions: readonly FetchPosition[],
    { waitMs, bytesMax, readCommitted }: FetchBounds,
  ): Promise<(Fetched | LinkError | undefined)[]> {
    const topics = Map.groupBy(positions, ({ topic }) => topic)
    const request = [...topics].map(([topic, wanted]) => ({
      topicId: topic,
      partitions: wanted.map(({ partition, offset }) => ({
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: offset,
        lastFetchedEpoch: -1,
        partitionMaxBytes: bytesMax,
      })),
    }))
    const isolation = readCommitted ? READ_COMMITTED : READ_UNCOMMITTED
    const connection = await this.connection(leader)
    const response = await this.#connections
      .ask(
        connection,
        fetchV10.api,
        waitMs,
        1,
        bytesMax,
        isolation,
        NO_SESSION,
        NO_SESSION_EPOCH,
        request,
        [],
        '',
      )
      .catch(answerWithErrors)
    return positions.map(({ topic, partition, offset }) => {
      const found = response.responses
        .find((answer) => answer.topicId === topic)
        ?.partitions.find((answer) => answer.partitionIndex === partition)
      if (!found) return undefined
      return found.errorCode === 0
        ? fetchedOf(topic, offset, found)
        : errorFromCode(found.errorCode)
    })
  }

  async listOffsets(topic: string, timestamp: number): Promise<PartitionOffset[]> {
    const byLeader = new Map<number, number[]>()
    for (const [partition, leader] of (await this.describe(topic)).entries()) {
      if (leader === undefined)
        throw new Error(`partition ${partition} of "${topic}" has no leader`)
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition])
    }
    const answers = await Promise.all(
      [...byLeader].map(async ([leader, partitions]) => {
        const wanted = partitions.map((partitionIndex) => ({
          partitionIndex,
          currentLeaderEpoch: -1,
          timestamp: BigInt(timestamp),
        }))
        const { topics } = await this.ask(leader, listOffsetsV4.api, -1, READ_UNCOMMITTED, [
          { name: topic, partitions: wanted },
        ])
        return topics.flatMap((answer) => answer.partitions)
      }),
    )
    return answers
      .flat()
      .map(({ partitionIndex, offset }) => ({ partition: partitionIndex, offset }))
      .sort((a, b) => a.partition - b.partition)
  }

  async ask<A extends unknown[], R>(nodeId: number, api: API<A, R>, ...args: A): Promise<R> {
    return this.#connections.ask(await this.connection(nodeId), api, ...args)
  }

  /** Asks any broker. */
  async askAny<A extends unknown[], R>(api: API<A, R>, ...args: A): Promise<R> {
    return this.#connections.ask(await this.#any(), api, ...args)
  }

  async brokers(): Promise<number[]> {
    return [...(await this.#askMetadata([])).brokers.keys()]
  }

  /** The node that this broker says is the controller. */
  async controller(): Promise<number> {
    const { controller } = await this.#askMetadata([])
    if (controller === undefined) throw new Error('the brokers have no controller now')
    return controller
  }

  async coordinator(kind: keyof typeof COORDINATOR_KINDS, key: string): Promise<number> {
    const { coordinators } = await this.askAny(findCoordinatorV2.api, COORDINATOR_KINDS[kind], [
      key,
    ])
    const nodeId = coordinators[0]?.nodeId
    if (nodeId === undefined || nodeId < 0) throw new Error(`"${key}" has no coordinator now`)
    return nodeId
  }

  connection(nodeId: number): Promise<Connection> {
    const broker = this.#metadata.brokers.get(nodeId)
    if (!broker) return Promise.reject(new Error(`broker ${nodeId} is not known`))
    return this.#connections.to(broker.host, broker.port)
  }

  dispose(): Promise<void> {
    this.#disposed ??= settledWithin(this.#connections.close(), DISCONNECT_MS_MAX).then(() =>
      this.#connections.destroy(),
    )
    return this.#disposed
  }

  abandon(): void {
    this.#connections.destroy()
    this.#disposed ??= Promise.resolve()
  }

  #known(topic: string): TopicLeaders {
    return this.#metadata.topics.get(topic) ?? []
  }

  async #askMetadata(topics: readonly string[] | null): Promise<ClusterMetadata> {
    const wanted = topics === null ? null : [...topics]
    const connection = await this.#any()
    const metadata = await metadataOf(
      this.#connections.ask(connection, metadataV7.api, wanted, false),
    )
    this.#metadata = { ...metadata, topics: this.#metadata.topics }
    return metadata
  }

  /** A broker that answers: one that is known, else one of those given. */
  async #any(): Promise<Connection> {
    const known = [...this.#metadata.brokers.values()].map(({ host, port }) => `${host}:${port}`)
    const addresses = [...new Set([...known, ...this.#seeds])]
    for (const [i, address] of addresses.entries()) {
      const at = address.lastIndexOf(':')
      try {
        return await this.#connections.to(address.slice(0, at), Number(address.slice(at + 1)))
      } catch (error) {
        if (i === addresses.length - 1 || this.disposed) throw error
      }
    }
    throw new Error('no broker is given')
  }
}

/** The library throws when one partition failed; the answer has the others. */
function answerWithErrors(error: unknown): {
  responses: { topicId: string; partitions: FetchedPartition[] }[]
} {
  const { response } = ((error as LinkError).cause ?? {}) as {
    response?: {
      errorCode: number
      responses: { topicId: string; partitions: FetchedPartition[] }[]
    }
  }
  if (response?.errorCode !== 0) throw error
  return response
}
