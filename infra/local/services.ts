import { join } from 'node:path'
import { freePorts } from '@kappa/processes/ports'
import type { ChildSpec } from './child.ts'
import { sparkArchiveFile } from './spark.ts'
import type { Stack } from './stack.ts'

const READY_TIMEOUT_MS = 120_000
const STOP_TIMEOUT_MS = 30_000
const root = join(import.meta.dirname, '..', '..')

export interface ServicePorts {
  readonly ingest: number
  readonly replay: number
  readonly results: number
}

export const DEFAULT_SERVICE_PORTS: ServicePorts = { ingest: 4001, replay: 4002, results: 4003 }

/** Base URLs. */
export interface ServiceUrls {
  readonly ingest: string
  readonly replay: string
  readonly results: string
}

/**
 * Starts ingest, replay and results on a stack; they stop with it.
 *
 * @param wishes ports; a free one is found when taken, 0 for any
 * @throws LocalError a service ended or did not listen in time
 */
export async function startServices(
  stack: Stack,
  wishes: ServicePorts = DEFAULT_SERVICE_PORTS,
): Promise<ServiceUrls> {
  const ports = (await freePorts([wishes.ingest, wishes.replay, wishes.results])) as [
    number,
    number,
    number,
  ]
  const shared = await environment(stack)
  // ingest makes the topics that replay reads.
  await stack.start(serviceSpec('ingest', ports[0], shared))
  await Promise.all([
    stack.start(serviceSpec('replay', ports[1], shared)),
    stack.start(serviceSpec('results', ports[2], shared)),
  ])
  const [ingest, replay, results] = ports.map((port) => `http://127.0.0.1:${port}`) as [
    string,
    string,
    string,
  ]
  return { ingest, replay, results }
}

async function environment(stack: Stack): Promise<Record<string, string>> {
  const { connection, components } = stack
  return {
    KAPPA_KAFKA_BROKERS: connection.kafkaBrokers,
    KAPPA_REDIS_URL: connection.redisUrl,
    KAPPA_REDIS_PASSWORD_FILE: connection.redisPasswordFile,
    KAPPA_S3_ENDPOINT: connection.s3.endpoint,
    KAPPA_S3_REGION: connection.s3.region,
    KAPPA_S3_BUCKET: connection.s3.bucket,
    KAPPA_S3_CREDENTIALS_FILE: connection.s3.credentialsFile,
    KAPPA_SCHEMAS_FOLDER: process.env.KAPPA_SCHEMAS_FOLDER ?? join(root, 'schemas'),
    KAPPA_APPLICATIONS_FOLDER: process.env.KAPPA_APPLICATIONS_FOLDER ?? join(root, 'applications'),
    KAPPA_LAUNCHER: 'local',
    KAPPA_SPARK_JARS_FOLDER: components.sparkJarsFolder,
    KAPPA_SPARK_WORK_FOLDER: join(stack.stateFolder, 'spark'),
    KAPPA_SPARK_ARCHIVE_FILE: await sparkArchiveFile(components),
    KAPPA_JAVA: components.java,
    KAPPA_HTTP_HOST: '127.0.0.1',
  }
}

function serviceSpec(
  name: keyof ServicePorts,
  port: number,
  env: Readonly<Record<string, string>>,
): ChildSpec {
  return {
    name,
    command: process.execPath,
    args: [join(root, 'services', name, 'main.ts')],
    env: { ...env, KAPPA_HTTP_PORT: String(port) },
    ready: () => isLive(port),
    readyTimeoutMs: READY_TIMEOUT_MS,
    stopTimeoutMs: STOP_TIMEOUT_MS,
  }
}

async function isLive(port: number): Promise<true | undefined> {
  const answer = await fetch(`http://127.0.0.1:${port}/health/live`, {
    signal: AbortSignal.timeout(2_000),
  })
  return answer.ok ? true : undefined
}
