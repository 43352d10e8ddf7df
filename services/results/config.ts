import { type Environment, readConfig } from '@kappa/service/config'
import {
  type HttpSettings,
  type KafkaSettings,
  type RedisSettings,
  readHttpSettings,
  readKafkaSettings,
  readNamespace,
  readRedisSettings,
} from '@kappa/service/settings'

export interface ResultsConfig {
  readonly http: HttpSettings
  readonly kafka: KafkaSettings
  /** Prefix of this installation's names in Kafka and in Redis. */
  readonly namespace: string
  readonly redis: RedisSettings & {
    /** Longest silence of a Redis that has commands to answer, and wait for a connection. */
    readonly timeoutMs: number
  }
  readonly apply: ApplySettings
  readonly query: QuerySettings
  readonly follow: FollowSettings
  /** Positions of one view that wait for their changelog; above it the newest takes the last place. */
  readonly pendingPositionsMax: number
  /** 0 to 1, of Redis' `maxmemory`: above it only live releases are kept in Redis. */
  readonly memoryShareMax: number
  /** How often what Redis has applied is compared with what was seen there before. */
  readonly checkIntervalMs: number
}

export interface ApplySettings {
  /** Records that one Lua call applies: it keeps everyone else waiting while it runs. */
  readonly recordsPerCallMax: number
  readonly bytesPerCallMax: number
  /** Records of a partition that are taken at once from Kafka and pipelined to Redis. */
  readonly recordsPerBatchMax: number
  /** Partitions whose records are applied at a time: Redis is busy while others are read. */
  readonly partitionsAtOnceMax: number
  /** How long rows that answers leave out by `retain` stay, for instances that lag. */
  readonly removalDelayMs: number
  /** How long the marker of a deleted row stays, measured in the changelog's own time. */
  readonly deletedMarkerMs: number
}

export interface FollowSettings {
  readonly subscribersMax: number
  /** Longest time without an event. */
  readonly heartbeatMs: number
  /** A reader that takes longer for what it was sent is told to come back. */
  readonly slowReaderMs: number
  /** Of the newest changes of a view that are kept in memory for all who follow it. */
  readonly bytesMax: number
}

export interface QuerySettings {
  /** Index entries that one request may look at; the page ends early with a cursor. */
  readonly scannedEntriesMax: number
  /** How long a request waits for this instance to learn what another one has already answered. */
  readonly switchWaitMs: number
}

/**
 * @throws ConfigError with every variable that is wrong.
 */
export function readResultsConfig(environment: Environment): ResultsConfig {
  return readConfig(environment, (read) => ({
    http: readHttpSettings(read, { port: 4003, bodyBytesMax: 65_536 }),
    kafka: readKafkaSettings(read, 'kappa-results'),
    namespace: readNamespace(read),
    redis: {
      ...readRedisSettings(read),
      timeoutMs: read.milliseconds('KAPPA_REDIS_TIMEOUT_MS', {
        default: 2_000,
        min: 50,
        max: 60_000,
      }),
    },
    apply: {
      recordsPerCallMax: read.integer('KAPPA_RESULTS_RECORDS_PER_CALL_MAX', {
        default: 500,
        min: 1,
        max: 1_500,
      }),
      bytesPerCallMax: read.integer('KAPPA_RESULTS_BYTES_PER_CALL_MAX', {
        default: 1_048_576,
        min: 1_024,
        max: 67_108_864,
        unit: 'bytes',
      }),
      recordsPerBatchMax: read.integer('KAPPA_RESULTS_RECORDS_PER_BATCH_MAX', {
        default: 5_000,
        min: 1,
        max: 100_000,
      }),
      partitionsAtOnceMax: read.integer('KAPPA_RESULTS_PARTITIONS_AT_ONCE_MAX', {
        default: 4,
        min: 1,
        max: 64,
      }),
      removalDelayMs: read.milliseconds('KAPPA_RESULTS_REMOVAL_DELAY_MS', {
        default: 10_000,
        min: 0,
        max: 3_600_000,
      }),
      deletedMarkerMs: read.milliseconds('KAPPA_RESULTS_DELETED_MARKER_MS', {
        default: 3_600_000,
        min: 1_000,
        max: 604_800_000,
      }),
    },
    query: {
      scannedEntriesMax: read.integer('KAPPA_RESULTS_SCANNED_ENTRIES_MAX', {
        default: 50_000,
        min: 100,
        max: 10_000_000,
        unit: 'index entries',
      }),
      switchWaitMs: read.milliseconds('KAPPA_RESULTS_SWITCH_WAIT_MS', {
        default: 5_000,
        min: 1,
        max: 60_000,
      }),
    },
    follow: {
      subscribersMax: read.integer('KAPPA_RESULTS_SUBSCRIBERS_MAX', {
        default: 5_000,
        min: 1,
        max: 100_000,
        unit: 'clients',
      }),
      heartbeatMs: read.milliseconds('KAPPA_RESULTS_HEARTBEAT_MS', {
        default: 5_000,
        min: 100,
        max: 10_000,
      }),
      slowReaderMs: read.milliseconds('KAPPA_RESULTS_SLOW_READER_MS', {
        default: 30_000,
        min: 100,
        max: 600_000,
      }),
      bytesMax: read.integer('KAPPA_RESULTS_FEED_BYTES_MAX', {
        default: 16_777_216,
        min: 65_536,
        max: 1_073_741_824,
        unit: 'bytes a view',
      }),
    },
    pendingPositionsMax: read.integer('KAPPA_RESULTS_PENDING_POSITIONS_MAX', {
      default: 512,
      min: 2,
      max: 100_000,
    }),
    memoryShareMax:
      read.integer('KAPPA_RESULTS_MEMORY_PERCENT_MAX', {
        default: 85,
        min: 10,
        max: 99,
        unit: 'percent',
      }) / 100,
    checkIntervalMs: read.milliseconds('KAPPA_RESULTS_CHECK_INTERVAL_MS', {
      default: 1_000,
      min: 10,
      max: 1_000,
    }),
  }))
}
