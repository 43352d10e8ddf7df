import { createRequire } from 'node:module'
import type { ConnectionOptions } from 'node:tls'
import type { ISocketFactory, KafkaConfig, logCreator } from 'kafkajs'

/**
 * The parts below kafkajs's public API that this package stands on, typed as far as they are used.
 * Why below: its producer partitions anew on a retry, copies batches quadratically and drops
 * silently what has no known partition; its consumer can't read a topic without a group.
 * The version is pinned exactly and the conformance tests cover each use.
 */

export interface FetchedMessage {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>
  readonly isControlRecord?: boolean
  readonly batchContext?: { readonly timestampType: number; readonly maxTimestamp: string }
}

export interface FetchedPartition {
  readonly partition: number
  readonly highWatermark: string
  readonly lastStableOffset: string
  readonly messages: FetchedMessage[]
}

export interface PartitionMetadata {
  readonly partitionId: number
  readonly leader: number | null
  readonly partitionErrorCode: number
}

export interface ClusterMetadata {
  readonly topicMetadata: readonly {
    readonly topic: string
    readonly partitionMetadata: readonly PartitionMetadata[]
  }[]
}

/** kafkajs's envelope of a request: it adds the header, finds the response and times out. */
export interface WireRequest<T> {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    readonly encode: () => Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>
  }
  readonly response: {
    readonly decode: (payload: Buffer) => Promise<T>
    readonly parse: (decoded: T) => Promise<T>
  }
}

export interface Broker {
  readonly connectionPool: { send<T>(request: WireRequest<T>): Promise<T> }
  readonly versions: Readonly<Record<string, { minVersion: number; maxVersion: number }>> | null
  metadata(topics: readonly string[]): Promise<ClusterMetadata>
  fetch(request: {
    isolationLevel: number
    maxWaitTime: number
    minBytes: number
    maxBytes: number
    topics: {
      topic: string
      partitions: { partition: number; fetchOffset: string; maxBytes: number }[]
    }[]
  }): Promise<{ responses: { topicName: string; partitions: FetchedPartition[] }[] }>
  listOffsets(request: {
    isolationLevel: number
    topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[]
  }): Promise<{
    responses: { topic: string; partitions: { partition: number; offset: string }[] }[]
  }>
}

export interface Cluster {
  readonly brokerPool: {
    readonly seedBroker?: Broker
    findConnectedBroker(): Promise<Broker>
  }
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[]
  findBroker(request: { nodeId: number }): Promise<Broker>
}

interface ClusterOptions {
  readonly logger: unknown
  readonly socketFactory: ISocketFactory
  readonly ssl: ConnectionOptions | undefined
  readonly sasl: KafkaConfig['sasl']
  readonly reauthenticationThreshold: number
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly connectionTimeout: number
  readonly requestTimeout: number
  readonly enforceRequestTimeout: boolean
  readonly metadataMaxAge: number
  readonly maxInFlightRequests: number | null
  readonly allowAutoTopicCreation: boolean
  readonly retry: { readonly retries: number }
}

interface FetchedBatch {
  /** Without aborted and control records. */
  readonly messages: FetchedMessage[]
  readonly rawMessages: FetchedMessage[]
}

const require = createRequire(import.meta.url)

export const ClusterClass: new (
  options: ClusterOptions,
) => Cluster = require('kafkajs/src/cluster/index.js')

export const BatchClass: new (
  topic: string,
  fetchedOffset: string,
  partition: FetchedPartition,
) => FetchedBatch = require('kafkajs/src/consumer/batch.js')

export const createKafkaJsLogger: (options: { level: number; logCreator: logCreator }) => unknown =
  require('kafkajs/src/loggers/index.js').createLogger

/** The requests that kafkajs can speak, with their versions. */
export const kafkaJsRequests: Readonly<
  Record<string, { readonly versions: readonly (string | number)[] } | undefined>
> = require('kafkajs/src/protocol/requests/index.js').requests

export const kafkaJsApiKeys: Readonly<Record<string, number>> =
  require('kafkajs/src/protocol/requests/apiKeys.js')

export const createErrorFromCode: (code: number) => Error =
  require('kafkajs/src/protocol/error.js').createErrorFromCode
