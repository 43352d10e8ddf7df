import { ServiceError } from '@kappa/service/errors'
import {
  Counter,
  Gauge,
  gauge,
  Histogram,
  type Registry,
  readMetrics,
} from '@kappa/service/metrics'
import type { FairTurns } from './publishing/fair-turns.ts'
import type { InFlight } from './publishing/in-flight.ts'

/**
 * The accounting that anyone can check (P3): for each topic, events received = accepted + rejected
 * (because of their content) + refused (because of the service's or Kafka's state, not written) +
 * unknown (may be in the log, answered as retryable) + in flight. Requests that are refused before
 * their events are known are counted by code.
 *
 * What is rejected adds up over all topics (`RejectedMetrics`): rejected = kept + discarded +
 * rejected again. An event that is resubmitted is received once more, and then accepted, rejected again,
 * refused or unknown as any other: received counts what was sent and what was resubmitted.
 *
 * The counters are those of one process, and go with it. What lasts is the log: over all processes,
 * every event that was sent until it was answered is, by its id, in its topic or in that of
 * rejected events with its reason.
 */
export class IngestMetrics {
  readonly received: Counter<'topic'>
  readonly accepted: Counter<'topic'>
  readonly rejected: Counter<'topic' | 'code'>
  readonly refused: Counter<'topic' | 'code'>
  readonly unknown: Counter<'topic'>
  readonly eventsInFlight: Gauge<'topic'>
  readonly requestsRefused: Counter<'code'>
  readonly bodyBytes: Counter<'topic'>
  readonly produceSeconds: Histogram<'topic'>

  constructor(registry: Registry, inFlight: InFlight, turns: FairTurns) {
    const registers = [registry]
    const events = (name: string, help: string) => ({
      name: `kappa_ingest_events_${name}`,
      help: `Events ${help}`,
      labelNames: ['topic'] as const,
      registers,
    })
    this.received = new Counter(events('received_total', 'read from request bodies.'))
    this.accepted = new Counter(events('accepted_total', 'acknowledged: in the log with acks=all.'))
    this.rejected = new Counter({
      ...events('rejected_total', 'rejected because of their content, by reason.'),
      labelNames: ['topic', 'code'],
    })
    this.refused = new Counter({
      ...events('refused_total', 'not written although their content is right, by reason.'),
      labelNames: ['topic', 'code'],
    })
    this.unknown = new Counter(
      events('unknown_total', 'that may be in the log, answered as retryable.'),
    )
    this.eventsInFlight = new Gauge(events('in_flight', 'received and not answered yet.'))
    this.requestsRefused = new Counter({
      name: 'kappa_ingest_requests_refused_total',
      help: 'Publish requests refused before their events were known, by reason.',
      labelNames: ['code'],
      registers,
    })
    this.bodyBytes = new Counter({
      name: 'kappa_ingest_body_bytes_total',
      help: 'Bytes of publish bodies that were read whole.',
      labelNames: ['topic'],
      registers,
    })
    this.produceSeconds = new Histogram({
      name: 'kappa_ingest_produce_duration_seconds',
      help: "Time from handing a request's events to the producer to Kafka's acknowledgement.",
      labelNames: ['topic'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    })
    readMetrics(
      registry,
      {
        requests: gauge(
          'kappa_ingest_requests_in_flight',
          'Publish requests being read, written or answered.',
        ),
        requestsMax: gauge('kappa_ingest_requests_in_flight_max', 'More of them are refused.'),
        waiting: gauge(
          'kappa_ingest_requests_waiting',
          "Publish requests that wait for their client's turn to be encoded and written.",
        ),
        bytes: gauge('kappa_ingest_body_bytes_in_flight', 'Bytes of the bodies of those requests.'),
        bytesMax: gauge('kappa_ingest_body_bytes_in_flight_max', 'More of them are refused.'),
      },
      (set) => {
        set.requests({}, inFlight.total.requests)
        set.requestsMax({}, inFlight.max.requests)
        set.waiting({}, turns.waiting)
        set.bytes({}, inFlight.total.bytes)
        set.bytesMax({}, inFlight.max.bytes)
      },
    )
  }

  /** Has series of a topic before its first event, so that whoever asks for an increase sees that one too. */
  expect(topic: string): void {
    for (const metric of [this.received, this.accepted, this.unknown]) metric.inc({ topic }, 0)
    this.eventsInFlight.inc({ topic }, 0)
  }

  /** Counts what `act` throws as the refusal of a request whose events are not known. */
  countRefusal<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      this.requestsRefused.inc({ code: error instanceof ServiceError ? error.code : 'internal' })
      throw error
    }
  }
}
