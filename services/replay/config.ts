import { type ConfigReader, type Environment, readConfig } from '@kappa/service/config'
import {
  type HttpSettings,
  type KafkaSettings,
  type ObjectStoreSettings,
  type RedisSettings,
  readHttpSettings,
  readKafkaSettings,
  readNamespace,
  readObjectStoreSettings,
  readRedisSettings,
} from '@kappa/service/settings'
import { type LauncherSettings, readLauncherSettings } from './launchers/launcher-settings.ts'
import {
  type LeaderElectionSettings,
  readLeaderElection,
} from './leadership/leader-election-settings.ts'
import type { UndecodableBounds } from './views/undecodable-records.ts'

export interface ReplayConfig {
  readonly http: HttpSettings
  readonly kafka: KafkaSettings
  readonly objectStore: ObjectStoreSettings
  readonly redis: RedisSettings & {
    /** Longest wait for the answer to one command, and for a connection. */
    readonly timeoutMs: number
  }
  /** Of the job queue: one Redis, no cluster. The same as that of the rows by default. */
  readonly jobsRedis: RedisSettings
  readonly namespace: string
  readonly schemasFolder: string
  readonly applicationsFolder: string
  readonly launcher: LauncherSettings
  /** Left out where there is only one instance. */
  readonly leaderElection?: LeaderElectionSettings
  readonly release: ReleaseSettings
  readonly replays: ReplaySettings
}

/** Bounds on replays and on what becomes of the releases that they replace. */
export interface ReplaySettings {
  /** Spark clusters of all applications; a replay that would need one more is refused. */
  readonly clustersMax: number
  /** Replays that are worked on at once; more wait their turn. */
  readonly atOnceMax: number
  /** How long a release that was replaced goes on running, where a replay says nothing else. */
  readonly standbyMs: number
  /** How long one is kept after it was stopped, where a replay says nothing else. */
  readonly retainMs: number
  /** How often due work is looked for: standbys to be stopped, jobs that Redis has forgotten. */
  readonly reconcileIntervalMs: number
  /** Longest wait for both releases to be complete up to one position. */
  readonly cutTimeoutMs: number
  /** Longest run of the comparison of one view. */
  readonly compareTimeoutMs: number
  /** Rows that a comparison shows of each view. */
  readonly samplesMax: number
  /** Bytes of JSON that they may take, of each view: all are in the release's record. */
  readonly sampleBytesMax: number
  /** How long a switch may wait for a moment at which nothing has to stand still. */
  readonly switchWaitMs: number
  /** How long rows may stand still for a switch before it is given up. */
  readonly freezeMsMax: number
}

/** Bounds on how a release is started and cared for. */
export interface ReleaseSettings {
  readonly clusterStartTimeoutMs: number
  readonly requestTimeoutMs: number
  /** How often positions and freshness are published while nothing happens. */
  readonly heartbeatMs: number
  /** How long Spark waits before it looks for new events again when it has found none. */
  readonly pollingDelayMs: number
  /** Kafka replicas of control and changelog topics. */
  readonly replicationFactor: number
  readonly restartDelayMsMin: number
  readonly restartDelayMsMax: number
  /** A view that has something to read and finishes no batch for longer is started again. */
  readonly progressTimeoutMs: number
  /** Failures in a row, without a finished batch in between, after which a release is FAILED. */
  readonly failuresMax: number
  /** How records that cannot be decoded are looked for and listed. */
  readonly undecodable: UndecodableBounds
  readonly catchUp: CatchUpSettings
}

/** How a query reads what has piled up before it. */
export interface CatchUpSettings {
  /** More unread records than this are read in micro-batches of so many. */
  readonly eventsPerBatchMax: number
  /** Records of one stream that are looked at to find how far its partitions are apart in time. */
  readonly samplesMax: number
  /** A release has caught up when its rows are not older than this. */
  readonly freshnessMsMax: number
}

/** @throws ConfigError naming every wrong variable. */
export function readReplayConfig(environment: Environment): ReplayConfig {
  return readConfig(environment, (read) => {
    const launcher = readLauncherSettings(read)
    const redis = readRedisSettings(read)
    const leaderElection = readLeaderElection(read)
    return {
      http: readHttpSettings(read, { port: 4002, bodyBytesMax: 1_048_576 }),
      kafka: readKafkaSettings(read, 'kappa-replay'),
      objectStore: readObjectStoreSettings(read),
      redis: {
        ...redis,
        timeoutMs: read.milliseconds('KAPPA_REDIS_TIMEOUT_MS', { default: 2_000, max: 60_000 }),
      },
      jobsRedis: readJobsRedis(read, redis),
      namespace: readNamespace(read),
      schemasFolder: read.text('KAPPA_SCHEMAS_FOLDER'),
      applicationsFolder: read.text('KAPPA_APPLICATIONS_FOLDER'),
      launcher,
      ...(leaderElection && { leaderElection }),
      release: readReleaseSettings(read),
      replays: readReplaySettings(read, launcher),
    }
  })
}

const aYearMs = 366 * 24 * 3_600_000

function readReplaySettings(read: ConfigReader, launcher: LauncherSettings): ReplaySettings {
  return {
    clustersMax: readClustersMax(read, launcher),
    atOnceMax: read.integer('KAPPA_REPLAYS_AT_ONCE_MAX', { default: 2, min: 1, max: 1_000 }),
    standbyMs: read.milliseconds('KAPPA_STANDBY_MS', {
      default: 3_600_000,
      min: 0,
      max: aYearMs,
    }),
    retainMs: read.milliseconds('KAPPA_RETAIN_MS', {
      default: 7 * 24 * 3_600_000,
      min: 0,
      max: aYearMs,
    }),
    reconcileIntervalMs: read.milliseconds('KAPPA_RECONCILE_INTERVAL_MS', { default: 1_000 }),
    cutTimeoutMs: read.milliseconds('KAPPA_CUT_TIMEOUT_MS', { default: 120_000 }),
    compareTimeoutMs: read.milliseconds('KAPPA_COMPARE_TIMEOUT_MS', {
      default: 1_800_000,
      max: 24 * 3_600_000,
    }),
    samplesMax: read.integer('KAPPA_COMPARE_SAMPLES_MAX', {
      default: 20,
      min: 1,
      max: 1_000,
      unit: 'rows a view',
    }),
    sampleBytesMax: read.integer('KAPPA_COMPARE_SAMPLE_BYTES_MAX', {
      default: 65_536,
      min: 1_024,
      max: 262_144,
      unit: 'bytes a view',
    }),
    switchWaitMs: read.milliseconds('KAPPA_SWITCH_WAIT_MS', { default: 60_000 }),
    freezeMsMax: read.milliseconds('KAPPA_FREEZE_MS_MAX', { default: 30_000 }),
  }
}

function readClustersMax(read: ConfigReader, launcher: LauncherSettings): number {
  const name = 'KAPPA_CLUSTERS_MAX'
  if (launcher.kind !== 'static') return read.integer(name, { default: 8, min: 1, max: 10_000 })
  const slots = Math.max(1, launcher.slots.length)
  return read.integer(name, { default: slots, min: 1, max: slots, unit: 'slots' })
}

function readJobsRedis(read: ConfigReader, redis: RedisSettings): RedisSettings {
  const name = 'KAPPA_JOBS_REDIS_URL'
  const url = read.optionalText(name)
  if (url !== undefined) {
    return { url, password: read.optionalSecretFile('KAPPA_JOBS_REDIS_PASSWORD_FILE') }
  }
  if (redis.cluster === true) {
    read.reject(name, 'is not set', 'the URL of a Redis for jobs, as that of the rows is a cluster')
  }
  return redis
}

function readReleaseSettings(read: ConfigReader): ReleaseSettings {
  return {
    clusterStartTimeoutMs: read.milliseconds('KAPPA_CLUSTER_START_TIMEOUT_MS', {
      default: 120_000,
    }),
    requestTimeoutMs: read.milliseconds('KAPPA_SPARK_REQUEST_TIMEOUT_MS', { default: 60_000 }),
    heartbeatMs: read.milliseconds('KAPPA_HEARTBEAT_MS', { default: 2_000 }),
    pollingDelayMs: read.milliseconds('KAPPA_POLLING_DELAY_MS', { default: 2_000 }),
    replicationFactor: read.integer('KAPPA_REPLICATION_FACTOR', { default: 1, min: 1, max: 9 }),
    restartDelayMsMin: read.milliseconds('KAPPA_RESTART_DELAY_MS_MIN', { default: 500 }),
    restartDelayMsMax: read.milliseconds('KAPPA_RESTART_DELAY_MS_MAX', { default: 30_000 }),
    progressTimeoutMs: read.milliseconds('KAPPA_PROGRESS_TIMEOUT_MS', { default: 600_000 }),
    failuresMax: read.integer('KAPPA_FAILURES_MAX', { default: 5, min: 1, max: 1_000 }),
    undecodable: {
      listedMax: read.integer('KAPPA_UNDECODABLE_LISTED_MAX', {
        default: 20,
        min: 1,
        max: 1_000,
        unit: 'records a view',
      }),
      examinedMax: read.integer('KAPPA_UNDECODABLE_EXAMINED_MAX', {
        default: 100_000,
        min: 1,
        max: 100_000_000,
        unit: 'records a batch of a stream',
      }),
    },
    catchUp: {
      eventsPerBatchMax: read.integer('KAPPA_CATCH_UP_EVENTS_PER_BATCH_MAX', {
        default: 1_000_000,
        min: 1,
        max: 1_000_000_000,
        unit: 'records',
      }),
      samplesMax: read.integer('KAPPA_SLACK_SAMPLES_MAX', {
        default: 256,
        min: 2,
        max: 100_000,
        unit: 'records a stream',
      }),
      freshnessMsMax: read.milliseconds('KAPPA_CAUGHT_UP_FRESHNESS_MS_MAX', { default: 30_000 }),
    },
  }
}
