import { TopicNames } from '@kappa/applications/records'
import { type Environment, readConfig } from '@kappa/service/config'
import {
  type HttpSettings,
  type KafkaSettings,
  readHttpSettings,
  readKafkaSettings,
  readNamespace,
} from '@kappa/service/settings'
import { type RejectedSettings, readRejectedSettings } from './rejected/rejected-settings.ts'

export interface IngestLimits {
  /** Events in one request. */
  readonly eventsPerRequestMax: number
  /** One event as a Kafka record: key, Avro value and headers. */
  readonly eventBytesMax: number
  /** Publish requests that are being read, written or answered. */
  readonly requestsInFlightMax: number
  /** Bodies of those requests together. */
  readonly bytesInFlightMax: number
  /** The same of one client. */
  readonly clientRequestsInFlightMax: number
  readonly clientBytesInFlightMax: number
  /** Bodies that are being encoded and written at once; others wait for their client's turn. */
  readonly turnBytesMax: number
  /** Of a streamed body: what is read, written and answered together. */
  readonly streamChunkBytes: number
  /** Records that wait for Kafka's acknowledgement, as bytes of keys, values and headers. */
  readonly queueBytesMax: number
}

export interface IngestConfig {
  readonly http: HttpSettings
  readonly kafka: KafkaSettings
  readonly schemasFolder: string
  /** Prefix of the topics that belong to the platform. */
  readonly namespace: string
  /** Request header, in lower case, by which a proxy in front names the client; undefined: the peer's address. */
  readonly clientHeader: string | undefined
  /** How long a streamed body may take in all. */
  readonly streamTimeoutMs: number
  readonly limits: IngestLimits
  readonly rejected: RejectedSettings
  /** How often the releases are looked at, for the contract versions that they decode. */
  readonly releasesPollIntervalMs: number
  /** How long one request's events may take to be in the log, retries included. */
  readonly deliveryTimeoutMs: number
  /** How often readiness asks Kafka whether it is there. */
  readonly kafkaProbeIntervalMs: number
  /** Copies of each partition of the topics that ingest creates. */
  readonly replicationFactor: number
}

const mebibyte = 1_048_576

/** @throws ConfigError naming every variable that is wrong. */
export function readIngestConfig(environment: Environment): IngestConfig {
  return readConfig(environment, (read) => {
    const milliseconds = (name: string, fallback: number, max: number) =>
      read.milliseconds(name, { default: fallback, min: 100, max })
    const namespace = readNamespace(read)
    return {
      http: readHttpSettings(read, { port: 4001, bodyBytesMax: 16 * mebibyte }),
      kafka: readKafkaSettings(read, 'kappa-ingest'),
      schemasFolder: read.text('KAPPA_SCHEMAS_FOLDER'),
      namespace,
      clientHeader:
        read.text('KAPPA_INGEST_CLIENT_HEADER', { default: '' }).toLowerCase() || undefined,
      streamTimeoutMs: milliseconds('KAPPA_INGEST_STREAM_TIMEOUT_MS', 3_600_000, 86_400_000),
      limits: {
        eventsPerRequestMax: read.integer('KAPPA_INGEST_EVENTS_PER_REQUEST_MAX', {
          default: 10_000,
          min: 1,
          max: 1_000_000,
          unit: 'events',
        }),
        // Kafka refuses record batches above 1,048,588 bytes by default, framing included.
        eventBytesMax: read.integer('KAPPA_INGEST_EVENT_BYTES_MAX', {
          default: 1_000_000,
          min: 64,
          max: 100_000_000,
          unit: 'bytes',
        }),
        requestsInFlightMax: read.integer('KAPPA_INGEST_REQUESTS_IN_FLIGHT_MAX', {
          default: 1_024,
          min: 1,
          max: 100_000,
          unit: 'requests',
        }),
        bytesInFlightMax: read.integer('KAPPA_INGEST_BYTES_IN_FLIGHT_MAX', {
          default: 128 * mebibyte,
          min: 1_024,
          max: 16 * 1_024 * mebibyte,
          unit: 'bytes',
        }),
        clientRequestsInFlightMax: read.integer('KAPPA_INGEST_CLIENT_REQUESTS_IN_FLIGHT_MAX', {
          default: 512,
          min: 1,
          max: 100_000,
          unit: 'requests',
        }),
        clientBytesInFlightMax: read.integer('KAPPA_INGEST_CLIENT_BYTES_IN_FLIGHT_MAX', {
          default: 64 * mebibyte,
          min: 1_024,
          max: 16 * 1_024 * mebibyte,
          unit: 'bytes',
        }),
        turnBytesMax: read.integer('KAPPA_INGEST_TURN_BYTES_MAX', {
          default: 4 * mebibyte,
          min: 1_024,
          max: 1_024 * mebibyte,
          unit: 'bytes',
        }),
        streamChunkBytes: read.integer('KAPPA_INGEST_STREAM_CHUNK_BYTES', {
          default: mebibyte,
          min: 1_024,
          max: 64 * mebibyte,
          unit: 'bytes',
        }),
        queueBytesMax: read.integer('KAPPA_INGEST_QUEUE_BYTES_MAX', {
          default: 256 * mebibyte,
          min: mebibyte,
          max: 16 * 1_024 * mebibyte,
          unit: 'bytes',
        }),
      },
      releasesPollIntervalMs: milliseconds('KAPPA_INGEST_RELEASES_POLL_INTERVAL_MS', 1_000, 60_000),
      rejected: readRejectedSettings(read, new TopicNames(namespace).rejected),
      deliveryTimeoutMs: milliseconds('KAPPA_INGEST_DELIVERY_TIMEOUT_MS', 20_000, 600_000),
      kafkaProbeIntervalMs: milliseconds('KAPPA_INGEST_KAFKA_PROBE_INTERVAL_MS', 3_000, 600_000),
      replicationFactor: read.integer('KAPPA_REPLICATION_FACTOR', {
        default: 1,
        min: 1,
        max: 10,
        unit: 'copies',
      }),
    }
  })
}
