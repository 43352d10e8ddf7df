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
    stopTimeoutMs: milliseconds(read, 'KAPPA_SPARK_STOP_TIMEOUT_MS', 10_000),
    ...(archiveFile === undefined ? {} : { archiveFile }),
  }
}

function readReleaseSettings(read: ConfigReader): ReleaseSettings {
  return {
    clusterStartTimeoutMs: milliseconds(read, 'KAPPA_CLUSTER_START_TIMEOUT_MS', 120_000),
    requestTimeoutMs: milliseconds(read, 'KAPPA_SPARK_REQUEST_TIMEOUT_MS', 60_000),
    heartbeatMs: milliseconds(read, 'KAPPA_HEARTBEAT_MS', 2_000),
    pollingDelayMs: milliseconds(read, 'KAPPA_POLLING_DELAY_MS', 2_000),
    replicationFactor: read.integer('KAPPA_REPLICATION_FACTOR', { default: 1, min: 1, max: 9 }),
    restartDelayMsMin: milliseconds(read, 'KAPPA_RESTART_DELAY_MS_MIN', 500),
    restartDelayMsMax: milliseconds(read, 'KAPPA_RESTART_DELAY_MS_MAX', 30_000),
    progressTimeoutMs: milliseconds(read, 'KAPPA_PROGRESS_TIMEOUT_MS', 600_000),
    failuresMax: read.integer('KAPPA_FAILURES_MAX', { default: 5, min: 1, max: 1_000 }),
  }
}

function milliseconds(read: ConfigReader, name: string, fallback: number): number {
  return read.integer(name, { default: fallback, min: 10, max: 3_600_000, unit: 'milliseconds' })
}
