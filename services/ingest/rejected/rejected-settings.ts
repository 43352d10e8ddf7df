import type { ConfigReader } from '@kappa/service/config'

export interface RejectedSettings {
  readonly topic: string
  readonly partitions: number
  /** How long Kafka keeps a rejected event's payload and state. */
  readonly retentionMs: number
  /** Bytes of each partition of the topic; the oldest go first. */
  readonly retentionBytes: number
  /** Bytes of one payload that are kept. */
  readonly payloadBytesMax: number
  /** Bytes of one event that is resubmitted, as JSON text: it is written down before. */
  readonly fixedBytesMax: number
  /** Bytes of rejected events that wait for Kafka's acknowledgement. */
  readonly queueBytesMax: number
  /** Rejections that can be listed; of older ones only Kafka knows. */
  readonly entriesMax: number
  /** How often the topic's end is looked for when nobody asks. */
  readonly pollIntervalMs: number
  /** Rejected events that one call resubmits or dismisses. */
  readonly eventsPerCallMax: number
  /** Bytes of their payloads. */
  readonly bytesPerCallMax: number
  /** Calls that resubmit at the same time. */
  readonly callsMax: number
}

const mebibyte = 1_048_576
const dayMs = 86_400_000

/** Kafka's default bound on a batch, less the most that a record has beside its payload. */
const payloadBytesLimit = 900 * 1_024

export function readRejectedSettings(read: ConfigReader, topic: string): RejectedSettings {
  const integer = (name: string, fallback: number, min: number, max: number, unit: string) =>
    read.integer(`KAPPA_INGEST_REJECTED_${name}`, { default: fallback, min, max, unit })
  return {
    topic,
    partitions: integer('PARTITIONS', 4, 1, 1_000, 'partitions'),
    retentionMs: integer('RETENTION_MS', 30 * dayMs, 60_000, 3_650 * dayMs, 'milliseconds'),
    retentionBytes: integer('RETENTION_BYTES', 4_096 * mebibyte, mebibyte, 2 ** 49, 'bytes'),
    payloadBytesMax: integer('PAYLOAD_BYTES_MAX', 512 * 1_024, 64, payloadBytesLimit, 'bytes'),
    fixedBytesMax: payloadBytesLimit,
    queueBytesMax: integer('QUEUE_BYTES_MAX', 64 * mebibyte, mebibyte, 2 ** 34, 'bytes'),
    entriesMax: integer('ENTRIES_MAX', 100_000, 100, 10_000_000, 'rejected events'),
    pollIntervalMs: integer('POLL_INTERVAL_MS', 2_000, 50, 600_000, 'milliseconds'),
    eventsPerCallMax: integer('EVENTS_PER_CALL_MAX', 1_000, 1, 100_000, 'rejected events'),
    bytesPerCallMax: integer('BYTES_PER_CALL_MAX', 16 * mebibyte, mebibyte, 2 ** 31, 'bytes'),
    callsMax: integer('CALLS_MAX', 4, 1, 1_000, 'calls'),
  }
}
