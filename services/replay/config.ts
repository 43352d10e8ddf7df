import { type ConfigReader, type Environment, readConfig } from '@kappa/service/config'
import {
  type HttpSettings,
  type KafkaSettings,
  type ObjectStoreSettings,
  readHttpSettings,
  readKafkaSettings,
  readNamespace,
  readObjectStoreSettings,
} from '@kappa/service/settings'
import type { LocalLauncherSettings } from './launchers/local.ts'
import type { UndecodableBounds } from './views/undecodable-records.ts'

export interface ReplayConfig {
  readonly http: HttpSettings
  readonly kafka: KafkaSettings
  readonly objectStore: ObjectStoreSettings
  readonly namespace: string
  readonly schemasFolder: string
  readonly applicationsFolder: string
  readonly launcher: LocalLauncherSettings
  readonly release: ReleaseSettings
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
}

/** @throws ConfigError naming every wrong variable. */
export function readReplayConfig(environment: Environment): ReplayConfig {
  return readConfig(environment, (read) => ({
    http: readHttpSettings(read, { port: 4002, bodyBytesMax: 1_048_576 }),
    kafka: readKafkaSettings(read, 'kappa-replay'),
    objectStore: readObjectStoreSettings(read),
    namespace: readNamespace(read),
    schemasFolder: read.text('KAPPA_SCHEMAS_FOLDER'),
    applicationsFolder: read.text('KAPPA_APPLICATIONS_FOLDER'),
    launcher: readLauncher(read),
    release: readReleaseSettings(read),
  }))
}

function readLauncher(read: ConfigReader): LocalLauncherSettings {
  read.oneOf('KAPPA_LAUNCHER', ['local'], 'local')
  const archiveFile = read.optionalText('KAPPA_SPARK_ARCHIVE_FILE')
  return {
    java: read.text('KAPPA_JAVA', { default: 'java' }),
    jarsFolder: read.text('KAPPA_SPARK_JARS_FOLDER'),
    workFolder: read.text('KAPPA_SPARK_WORK_FOLDER'),
    stopTimeoutMs: read.milliseconds('KAPPA_SPARK_STOP_TIMEOUT_MS', { default: 10_000 }),
    ...(archiveFile === undefined ? {} : { archiveFile }),
  }
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
  }
}
