import type { ContractVersion } from '@kappa/contracts/contract'
import { traceHeader } from '@kappa/contracts/record-headers'
import type { OutgoingRecord, Placement, Producer } from '@kappa/kafka/port'
import type { Position } from '@kappa/kafka/position-token'
import { ServiceError } from '@kappa/service/errors'
import type { Span } from '@kappa/service/tracing'
import type { EventBatch } from '../bodies/event-batch.ts'
import type { IngestMetrics } from '../ingest-metrics.ts'
import type { Rejection, RejectionSink } from '../rejected/rejection.ts'
import { admitEvents, encodeEvents, type Outcome, placeEvents } from './admission.ts'
import type { ImportGate } from './import-gate.ts'
import { explainKafkaError } from './kafka-failure.ts'
import type { EventResult } from './publish-schemas.ts'
import type { Topic } from './topics.ts'

export interface PublishParts {
  readonly producer: Producer
  readonly metrics: IngestMetrics
  readonly now: () => number
  /** Told when Kafka does not take events, for readiness. */
  readonly onKafkaUnavailable: (reason: string) => void
}

/** Who sends events, and what becomes of those that are rejected. */
export interface Sender {
  readonly client: string
  /** Takes what is rejected; undefined when it is kept already. */
  readonly sink: RejectionSink | undefined
}

export interface PublishRequest extends Sender {
  readonly target: Topic
  readonly version: ContractVersion
  readonly events: EventBatch
  /** Declared disorder of an import of history, milliseconds; undefined for live events. */
  readonly disorderMs: number | undefined
  /** Of the request, while tracing is on: its records name it. */
  readonly span?: Span | undefined
}

export interface Published {
  readonly accepted: number
  readonly rejected: number
  /** After the accepted events; undefined when there is none. */
  readonly position: Position | undefined
  readonly results: EventResult[]
}

/** Takes one request's events to the log and accounts for each of them. */
export class Publisher {
  readonly #parts: PublishParts

  constructor(parts: PublishParts) {
    this.#parts = parts
  }

  /**
   * Resolves when every event is either in the log with acks=all or rejected with its reason, and
   * what is rejected is kept.
   *
   * @throws ServiceError for all events alike: `kafka_unavailable`, `too_many_requests`,
   *   `import_closed` (nothing was written), `outcome_unknown` (they may be in the log).
   */
  async publish(request: PublishRequest): Promise<Published> {
    const { metrics } = this.#parts
    const { topic } = request.target.contract
    const count = request.events.values.length
    metrics.received.inc({ topic }, count)
    metrics.eventsInFlight.inc({ topic }, count)
    try {
      const { outcomes, placements } = await this.#write(request)
      const kept = await this.#keepRejected(request, outcomes)
      const results = placeEvents(kept, placements)
      const rejected = this.#countRejected(topic, results)
      const accepted = results.length - rejected
      metrics.accepted.inc({ topic }, accepted)
      const placed = outcomes.filter((outcome) => outcome.status === 'placed')
      const position = positionAfter(topic, [...placements, ...placed])
      return { accepted, rejected, position, results }
    } catch (error) {
      if (error instanceof ServiceError && error.code !== 'outcome_unknown') {
        metrics.refused.inc({ topic, code: error.code }, count)
      } else {
        metrics.unknown.inc({ topic }, count)
      }
      throw error
    } finally {
      metrics.eventsInFlight.dec({ topic }, count)
    }
  }

  async #write(request: PublishRequest): Promise<Written> {
    const { target, version, events, disorderMs } = request
    const { contract, gate } = target
    const encoded = encodeEvents(events, contract, version.n)
    const live = disorderMs === undefined
    await (live ? gate.enterLive() : gate.enterImport())
    const highestMsBefore = gate.highestMs
    let inLog = false
    let failed = true
    try {
      const rules = live ? target.rules : { ...target.rules, importing: { gate, disorderMs } }
      const now = this.#parts.now()
      const { records, outcomes } = admitEvents(encoded, events.envelopes, rules, now)
      // From here on the events may be in the log, unless Kafka is known not to have taken them.
      inLog = records.length > 0
      const sent = this.#sendTraced(contract.topic, records, request.span)
      const placements = await sent.catch((error: ServiceError) => {
        inLog = error.code === 'outcome_unknown'
        throw error
      })
      failed = false
      if (!live) rememberPlaces(gate, outcomes, placements)
      return { outcomes, placements }
    } finally {
      if (live) gate.leaveLive(inLog)
      else gate.leaveImport(failed ? { maybeInLog: inLog, highestMsBefore } : undefined)
    }
  }

  /** @throws ServiceError */
  #sendTraced(
    topic: string,
    records: readonly OutgoingRecord[],
    parent: Span | undefined,
  ): Promise<Placement[]> {
    if (parent === undefined || records.length === 0) return this.#send(topic, records)
    const span = parent.child(`send ${topic}`, {
      kind: 'producer',
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.type': 'send',
        'messaging.destination.name': topic,
        'messaging.batch.message_count': records.length,
      },
    })
    const { traceparent } = span
    const named =
      traceparent === undefined
        ? records
        : records.map((record) => ({
            ...record,
            headers: { ...record.headers, [traceHeader]: traceparent },
          }))
    const sent = this.#send(topic, named)
    sent.then(
      () => span.end(),
      (error: unknown) => {
        span.fail(error)
        span.end()
      },
    )
    return sent
  }

  /** @throws ServiceError */
  async #send(topic: string, records: readonly OutgoingRecord[]): Promise<Placement[]> {
    if (records.length === 0) return []
    const { producer, metrics, onKafkaUnavailable } = this.#parts
    const endTimer = metrics.produceSeconds.startTimer({ topic })
    try {
      const placements = await producer.send(topic, records)
      endTimer()
      return placements
    } catch (error) {
      const failure = explainKafkaError(error)
      if (failure.status === 503) {
        const reason = error instanceof Error ? error.message : String(error)
        onKafkaUnavailable(`does not take events: ${reason}`)
      }
      throw failure
    }
  }

  /**
   * Accounts for a body that cannot be read as events: it counts as one, and is kept like one.
   * @returns the error to answer, with where it is kept
   * @throws ServiceError when it cannot be kept
   */
  async rejectBody(
    topic: string,
    body: Buffer,
    error: ServiceError,
    sender: Sender,
  ): Promise<ServiceError> {
    const { code, message } = error
    const [rejection] = await this.rejectMisaddressed(
      [{ topic, code, message, path: '$', payload: body }],
      sender,
    )
    const details = rejection === undefined ? undefined : { rejection }
    return new ServiceError(error.code, message, { details })
  }

  /**
   * Accounts for events that no contract can be asked about.
   * @returns where each is kept; empty when they are discarded
   * @throws ServiceError when they cannot be kept
   */
  async rejectMisaddressed(
    events: readonly Pick<Rejection, 'topic' | 'code' | 'message' | 'path' | 'payload'>[],
    { client, sink }: Sender,
  ): Promise<readonly string[]> {
    const { metrics, now } = this.#parts
    // Names that nobody checked are no labels: there is no end of them.
    const topic = ''
    metrics.received.inc({ topic }, events.length)
    metrics.eventsInFlight.inc({ topic }, events.length)
    const receivedAtMs = now()
    const rejections = events.map((event) => ({
      ...event,
      version: undefined,
      envelopeId: undefined,
      receivedAtMs,
      client,
      importDisorderMs: undefined,
    }))
    try {
      const ids = (await sink?.keep(rejections)) ?? []
      for (const { code } of events) metrics.rejected.inc({ topic, code })
      return ids
    } catch (error) {
      metrics.unknown.inc({ topic }, events.length)
      throw error
    } finally {
      metrics.eventsInFlight.dec({ topic }, events.length)
    }
  }

  /** After the others are in the log: a request that failed whole leaves no rejections behind. */
  async #keepRejected(
    { target, version, events, disorderMs, client, sink }: PublishRequest,
    outcomes: readonly Outcome[],
  ): Promise<readonly Outcome[]> {
    if (sink === undefined) return outcomes
    const rejections: Rejection[] = []
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status !== 'rejected') continue
      const { code, message, path } = outcome.error
      rejections.push({
        topic: target.contract.topic,
        version: version.n,
        code,
        message,
        path,
        payload: events.payload(index),
        envelopeId: events.envelopes?.[index]?.id,
        envelopeHeaders: events.envelopes?.[index]?.headers,
        receivedAtMs: this.#parts.now(),
        client,
        importDisorderMs: disorderMs,
      })
    }
    if (rejections.length === 0) return outcomes
    const ids = await sink.keep(rejections)
    let next = 0
    return outcomes.map((outcome) => {
      if (outcome.status !== 'rejected') return outcome
      const rejection = ids[next++]
      return rejection === undefined ? outcome : { ...outcome, rejection }
    })
  }

  #countRejected(topic: string, results: readonly EventResult[]): number {
    let rejected = 0
    for (const result of results) {
      if (result.status === 'accepted') continue
      rejected++
      this.#parts.metrics.rejected.inc({ topic, code: result.error.code })
    }
    return rejected
  }
}

interface Written {
  readonly outcomes: readonly Outcome[]
  readonly placements: readonly Placement[]
}

function rememberPlaces(
  gate: ImportGate,
  outcomes: readonly Outcome[],
  placements: readonly Placement[],
): void {
  for (const outcome of outcomes) {
    if (outcome.status !== 'admitted') continue
    const placement = placements[outcome.record]
    if (placement !== undefined) gate.remember(outcome.id, placement)
  }
}

function positionAfter(topic: string, placements: readonly Placement[]): Position | undefined {
  if (placements.length === 0) return undefined
  const next = new Map<number, bigint>()
  for (const { partition, offset } of placements) {
    const before = next.get(partition)
    if (before === undefined || offset >= before) next.set(partition, offset + 1n)
  }
  return new Map([[topic, next]])
}
