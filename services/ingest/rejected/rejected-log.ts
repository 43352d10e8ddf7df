import { randomUUIDv7 } from 'node:crypto'
import { KafkaError, type OutgoingRecord, type Producer } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'
import type { RejectedMetrics } from './rejected-metrics.ts'
import type { RejectedSettings } from './rejected-settings.ts'
import type { Rejection, RejectionSink } from './rejection.ts'
import type { RejectionEntry } from './rejection-entry.ts'
import {
  boundedClient,
  boundedProblem,
  boundedTopic,
  type RejectedDescription,
  type StateDescription,
  toRecord,
} from './rejection-record.ts'

/** Key and header of most rejections' records are shorter: this only bounds a part. */
const headerBytes = 1_024

/** What happened to a rejection. */
export interface Change {
  readonly entry: Pick<RejectionEntry, 'id' | 'partition'>
  readonly about: StateDescription
  /** Bytes that are being published; left out for those received, and for all other changes. */
  readonly bytes?: Buffer | undefined
}

/** Writes rejected events, and what becomes of them, to their topic with acks=all. */
export class RejectedLog implements RejectionSink {
  readonly #producer: Producer
  readonly #settings: RejectedSettings
  readonly #metrics: RejectedMetrics
  readonly #onKafkaUnavailable: (reason: string) => void

  /** @param onKafkaUnavailable told when Kafka does not take them, for readiness */
  constructor(
    producer: Producer,
    settings: RejectedSettings,
    metrics: RejectedMetrics,
    onKafkaUnavailable: (reason: string) => void,
  ) {
    this.#producer = producer
    this.#settings = settings
    this.#metrics = metrics
    this.#onKafkaUnavailable = onKafkaUnavailable
  }

  /** Always `outcome_unknown` when it fails: the others of the request are in the log by then. */
  async keep(rejections: readonly Rejection[]): Promise<string[]> {
    if (rejections.length === 0) return []
    const ids = rejections.map(() => randomUUIDv7())
    const whatFailed = 'The rejected events of this request could not be kept for sure'
    try {
      for (const part of this.#parts(rejections, ids)) await this.#send(part, whatFailed)
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      const { message, cause } = error
      throw new ServiceError('outcome_unknown', message, { retryAfterSeconds: 2, cause })
    }
    for (const { topic } of rejections) this.#metrics.kept(topic)
    return ids
  }

  /** @throws ServiceError retryable: they may or may not be written. */
  async append(changes: readonly Change[], whatFailed: string): Promise<void> {
    if (changes.length === 0) return
    await this.#send(
      changes.map(({ entry, about, bytes }) =>
        toRecord(entry.id, about, bytes ?? null, entry.partition),
      ),
      whatFailed,
    )
  }

  /** In parts far smaller than the producer's queue: a large request must not fail for ever. */
  *#parts(rejections: readonly Rejection[], ids: readonly string[]): Generator<OutgoingRecord[]> {
    let part: OutgoingRecord[] = []
    let bytes = 0
    for (const [index, rejection] of rejections.entries()) {
      const record = this.#record(ids[index] as string, rejection)
      bytes += (record.value?.length ?? 0) + headerBytes
      part.push(record)
      if (bytes * 8 < this.#settings.queueBytesMax) continue
      yield part
      part = []
      bytes = 0
    }
    if (part.length > 0) yield part
  }

  #record(id: string, rejection: Rejection): OutgoingRecord {
    const { payloadBytesMax } = this.#settings
    const { payload, envelopeId, envelopeHeaders = {} } = rejection
    const truncated = payload.length > payloadBytesMax
    const about: RejectedDescription = {
      format: 1,
      type: 'rejected',
      topic: boundedTopic(rejection.topic),
      version: rejection.version ?? null,
      error: boundedProblem(rejection),
      received_at: rejection.receivedAtMs,
      client: boundedClient(rejection.client),
      import_disorder_ms: rejection.importDisorderMs ?? null,
      envelope: envelopeId === undefined ? null : { id: envelopeId, headers: envelopeHeaders },
      payload_bytes: payload.length,
      truncated,
    }
    return toRecord(id, about, truncated ? payload.subarray(0, payloadBytesMax) : payload)
  }

  async #send(records: readonly OutgoingRecord[], whatFailed: string): Promise<void> {
    try {
      await this.#producer.send(this.#settings.topic, records)
    } catch (error) {
      throw this.#explain(error, whatFailed)
    }
  }

  #explain(error: unknown, whatFailed: string): ServiceError {
    const code = error instanceof KafkaError ? error.code : 'unknown'
    const reason = error instanceof Error ? error.message : String(error)
    const message = `${whatFailed}: ${reason}. Send the request again, with the same ids.`
    const retry = { retryAfterSeconds: 2, cause: error }
    if (code === 'closed') return new ServiceError('stopping', message, retry)
    if (code === 'queue_full') return new ServiceError('too_many_requests', message, retry)
    this.#onKafkaUnavailable(`does not take rejected events: ${reason}`)
    if (code === 'unavailable' || code === 'unknown_topic') {
      return new ServiceError('kafka_unavailable', message, retry)
    }
    return new ServiceError('outcome_unknown', message, retry)
  }
}
