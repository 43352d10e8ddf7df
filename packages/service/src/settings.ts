import type { ConfigReader } from './config.ts'
import { type KafkaSecuritySettings, readKafkaSecurity } from './kafka-security.ts'
import { rememberSecret } from './redact.ts'
import { readTracingSettings, type TracingSettings } from './tracing-settings.ts'

export interface HttpSettings {
  readonly host: string
  readonly port: number
  /** Longest time a request may take from its first byte to its last. */
  readonly requestTimeoutMs: number
  /** Bound on one request's body after decompression. */
  readonly bodyBytesMax: number
  /** Connections at once; more are closed as they come. */
  readonly connectionsMax: number
  /** How long requests are still taken when stopping, after readiness has gone. */
  readonly stopDelayMs: number
  /** How long stopping may take before open connections are cut. */
  readonly stopTimeoutMs: number
  /** Origins (`https://app.example`, or `*`) whose pages may read answers; empty for none. */
  readonly corsOrigins?: readonly string[]
  readonly logLevel: LogLevel
  /** Where traces go; nowhere, unless it is said. */
  readonly tracing?: TracingSettings | undefined
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** The settings that every service has, under the same names. */
export function readHttpSettings(
  read: ConfigReader,
  defaults: { port: number; bodyBytesMax: number },
): HttpSettings {
  return {
    host: read.text('KAPPA_HTTP_HOST', { default: '127.0.0.1' }),
    port: read.integer('KAPPA_HTTP_PORT', { default: defaults.port, min: 0, max: 65_535 }),
    requestTimeoutMs: read.milliseconds('KAPPA_HTTP_REQUEST_TIMEOUT_MS', {
      default: 60_000,
      min: 100,
      max: 3_600_000,
    }),
    bodyBytesMax: read.integer('KAPPA_HTTP_BODY_BYTES_MAX', {
      default: defaults.bodyBytesMax,
      min: 1_024,
      max: 1_073_741_824,
      unit: 'bytes',
    }),
    connectionsMax: read.integer('KAPPA_HTTP_CONNECTIONS_MAX', {
      default: 10_000,
      min: 1,
      max: 1_000_000,
      unit: 'connections',
    }),
    stopDelayMs: read.milliseconds('KAPPA_STOP_DELAY_MS', { default: 0, min: 0, max: 600_000 }),
    stopTimeoutMs: read.milliseconds('KAPPA_STOP_TIMEOUT_MS', {
      default: 15_000,
      min: 100,
      max: 600_000,
    }),
    corsOrigins: readOrigins(read),
    logLevel: read.oneOf('KAPPA_LOG_LEVEL', logLevels, 'info'),
    tracing: readTracingSettings(read),
  }
}

function readOrigins(read: ConfigReader): readonly string[] {
  const name = 'KAPPA_HTTP_CORS_ORIGINS'
  const origins = read.list(name, { default: [] })
  for (const origin of origins) {
    const isOrigin = URL.canParse(origin) && new URL(origin).origin === origin
    if (!isOrigin && origin !== '*') {
      read.reject(name, `names "${origin}"`, 'origins such as https://app.example, or *')
    }
  }
  return origins
}

/** The libraries that can speak to Kafka, behind the same promises. */
const kafkaClients = ['kafkajs', 'platformatic'] as const

export interface KafkaSettings {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
  /** Longest wait at start for Kafka to be reachable. */
  readonly startTimeoutMs: number
  readonly client?: (typeof kafkaClients)[number]
  readonly security?: KafkaSecuritySettings
}

export function readKafkaSettings(read: ConfigReader, clientId: string): KafkaSettings {
  const security = readKafkaSecurity(read)
  return {
    brokers: read.list('KAPPA_KAFKA_BROKERS'),
    clientId,
    requestTimeoutMs: read.milliseconds('KAPPA_KAFKA_REQUEST_TIMEOUT_MS', {
      default: 15_000,
      min: 100,
      max: 300_000,
    }),
    connectTimeoutMs: read.milliseconds('KAPPA_KAFKA_CONNECT_TIMEOUT_MS', {
      default: 5_000,
      min: 100,
      max: 300_000,
    }),
    startTimeoutMs: read.milliseconds('KAPPA_KAFKA_START_TIMEOUT_MS', {
      default: 60_000,
      min: 100,
      max: 3_600_000,
    }),
    client: read.oneOf('KAPPA_KAFKA_CLIENT', kafkaClients, 'kafkajs'),
    ...(security && { security }),
  }
}

/** The prefix of everything that this installation names in Kafka. */
export function readNamespace(read: ConfigReader): string {
  const name = 'KAPPA_NAMESPACE'
  const namespace = read.text(name, { default: 'kappa' })
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(namespace)) {
    read.reject(name, `is "${namespace}"`, 'lower case letters, digits and dashes')
  }
  return namespace
}

export interface RedisSettings {
  readonly url: string
  /** Whether the URL is that of one node of a cluster, which names the others. */
  readonly cluster?: boolean
  readonly password: string | undefined
}

export function readRedisSettings(read: ConfigReader): RedisSettings {
  return {
    url: read.text('KAPPA_REDIS_URL'),
    cluster: read.oneOf('KAPPA_REDIS_CLUSTER', ['true', 'false'] as const, 'false') === 'true',
    password: read.optionalSecretFile('KAPPA_REDIS_PASSWORD_FILE'),
  }
}

export interface ObjectStoreSettings {
  readonly endpoint: string
  readonly region: string
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** How long one attempt waits for its answer. */
  readonly requestTimeoutMs: number
}

export function readObjectStoreSettings(read: ConfigReader): ObjectStoreSettings {
  return {
    endpoint: read.text('KAPPA_S3_ENDPOINT'),
    region: read.text('KAPPA_S3_REGION', { default: 'us-east-1' }),
    bucket: read.text('KAPPA_S3_BUCKET', { default: 'kappa' }),
    requestTimeoutMs: read.milliseconds('KAPPA_S3_REQUEST_TIMEOUT_MS', { default: 30_000 }),
    ...readS3Credentials(read),
  }
}

function readS3Credentials(read: ConfigReader): { accessKeyId: string; secretAccessKey: string } {
  const name = 'KAPPA_S3_CREDENTIALS_FILE'
  const text = read.secretFile(name)
  const wanted = 'a JSON file {"accessKeyId": "…", "secretAccessKey": "…"}'
  const nothing = { accessKeyId: '', secretAccessKey: '' }
  if (text === '') return nothing
  try {
    const { accessKeyId, secretAccessKey } = JSON.parse(text)
    if (typeof accessKeyId === 'string' && typeof secretAccessKey === 'string') {
      rememberSecret(secretAccessKey)
      return { accessKeyId, secretAccessKey }
    }
    read.reject(name, 'names a file without both keys', wanted)
  } catch {
    // The parser's message would quote the file's content, which is a secret.
    read.reject(name, 'names a file that is not JSON', wanted)
  }
  return nothing
}
