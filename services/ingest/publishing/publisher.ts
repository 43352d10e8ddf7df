import { KafkaError, type Placement, type Producer } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'
import type { IngestMetrics } from '../ingest-metrics.ts'
import { admitEvents, encodeEvents, placeEvents } from './admission.ts'
import type { EventResult } from './publish-schemas.ts'
import type { Topic } from './topics.ts'

export interface PublishParts {
  readonly producer: Producer
  readonly metrics: IngestMetrics
  readonly now: () => number
  /** Told when Kafka does not take events, for readiness. */
  readonly onKafkaUnavailable: (reason: string) => void
}

export interface Published {
  readonly accepted: number
  readonly rejected: number
  readonly results: EventResult[]
}

/** Takes one request's events to the log and accounts for each of them. */
export class Publisher {
  readonly #parts: PublishParts

  constructor(parts: PublishParts) {
    this.#parts = parts
  }

  /**
   * Resolves when every event is either in the log with acks=all or rejected with its reason.
   *
   * @param disorderMs declared disorder of an import of history; undefined for live events
   * @throws ServiceError for all events alike: `kafka_unavailable`, `too_many_requests`,
   *   `import_closed` (nothing was written), `outcome_unknown` (they may be in the log).
   */
  async publish(
    target: Topic,
    events: readonly unknown[],
    disorderMs: number | undefined,
  ): Promise<Published> {
    const { metrics } = this.#parts
    const { topic } = target.contract
    metrics.received.inc({ topic }, events.length)
    metrics.eventsInFlight.inc({ topic }, events.length)
    try {
      const results = await this.#write(target, events, disorderMs)
      const rejected = this.#countRejected(topic, results)
      const accepted = results.length - rejected
      metrics.accepted.inc({ topic }, accepted)
      return { accepted, rejected, results }
    } catch (error) {
      if (error instanceof ServiceError && error.code !== 'outcome_unknown') {
        metrics.refused.inc({ topic, code: error.code }, events.length)
      } else {
        metrics.unknown.inc({ topic }, events.length)
      }
      throw error
    } finally {
      metrics.eventsInFlight.dec({ topic }, events.length)
    }
  }

  async #write(
    target: Topic,
    events: readonly unknown[],
    disorderMs: number | undefined,
  ): Promise<EventResult[]> {
    const { contract, gate } = target
    const encoded = encodeEvents(events, contract)
    const live = disorderMs === undefined
    await (live ? gate.enterLive() : gate.enterImport())
    let inLog = false
    try {
      const rules = live ? target.rules : { ...target.rules, importing: { gate, disorderMs } }
      const { records, outcomes } = admitEvents(encoded, rules, this.#parts.now())
      if (records.length === 0) return placeEvents(outcomes, [])
      // From here on the events may be in the log, unless Kafka is known not to have taken them.
      inLog = true
      const endTimer = this.#parts.metrics.produceSeconds.startTimer({ topic: contract.topic })
      let placements: Placement[]
      try {
        placements = await this.#parts.producer.send(contract.topic, records)
      } catch (error) {
        const failure = this.#explain(error)
        inLog = failure.code === 'outcome_unknown'
        throw failure
      }
      endTimer()
      return placeEvents(outcomes, placements)
    } finally {
      if (live) gate.leaveLive(inLog)
      else gate.leaveImport()
    }
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

  #explain(error: unknown): ServiceError {
    const code = error instanceof KafkaError ? error.code : 'unknown'
    const reason = error instanceof Error ? error.message : String(error)
    switch (code) {
      case 'queue_full':
        return new ServiceError(
          'too_many_requests',
          `${reason}. Nothing was written; send again.`,
          {
            retryAfterSeconds: 1,
            cause: error,
          },
        )
      case 'record_too_large':
        return new ServiceError('event_too_large', `${reason}. Nothing was written.`, {
          cause: error,
        })
      case 'closed':
        return new ServiceError('stopping', 'The service is stopping. Nothing was written.', {
          retryAfterSeconds: 1,
          cause: error,
        })
      case 'unavailable':
      case 'unknown_topic':
        this.#parts.onKafkaUnavailable(`does not take events: ${reason}`)
        return new ServiceError(
          'kafka_unavailable',
          'Kafka does not take events now. Nothing was written; send the same events again.',
          { retryAfterSeconds: 2, cause: error },
        )
      default:
        this.#parts.onKafkaUnavailable(`did not confirm events: ${reason}`)
        return new ServiceError(
          'outcome_unknown',
          'Kafka did not confirm the events: they may be in the log. Send the same events with the same ids again; each counts once.',
          { retryAfterSeconds: 1, cause: error },
        )
    }
  }
}
