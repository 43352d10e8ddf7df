import { type Environment, readConfig } from '@kappa/service/config'
import {
  type HttpSettings,
  type KafkaSettings,
  readHttpSettings,
  readKafkaSettings,
} from '@kappa/service/settings'

export interface IngestLimits {
  /** Events in one request. */
  readonly eventsPerRequestMax: number
  /** One event as a Kafka record: key, Avro value and headers. */
  readonly eventBytesMax: number
  /** Publish requests that are being read, written or answered. */
  readonly requestsInFlightMax: number
  /** Bodies of those requests together. */
  readonly bytesInFlightMax: number
  /** Records that wait for Kafka's acknowledgement, as bytes of keys, values and headers. */
  readonly queueBytesMax: number
}

export interface IngestConfig {
  readonly http: HttpSettings
  readonly kafka: KafkaSettings
  readonly schemasFolder: string
  readonly limits: IngestLimits
  /** Longest wait at start for Kafka to be reachable and to have the topics. */
  readonly kafkaStartTimeoutMs: number
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
      read.integer(name, { default: fallback, min: 100, max, unit: 'milliseconds' })
    return {
      http: readHttpSettings(read, { port: 4001, bodyBytesMax: 16 * mebibyte }),
      kafka: readKafkaSettings(read, 'kappa-ingest'),
      schemasFolder: read.text('KAPPA_SCHEMAS_FOLDER'),
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
        queueBytesMax: read.integer('KAPPA_INGEST_QUEUE_BYTES_MAX', {
          default: 256 * mebibyte,
          min: mebibyte,
          max: 16 * 1_024 * mebibyte,
          unit: 'bytes',
        }),
      },
      kafkaStartTimeoutMs: milliseconds('KAPPA_INGEST_KAFKA_START_TIMEOUT_MS', 60_000, 3_600_000),
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
