import { Counter, Gauge, type Registry } from '@kappa/service/metrics'
import { type RejectionEntry, stateOf } from './rejection-entry.ts'

/**
 * What becomes of rejected events. Counters are of this process; `open` is that of the whole
 * installation as this process has read it from Kafka, so take the maximum over processes.
 * How they fit the accounting of events is said in `ingest-metrics.ts`.
 */
export class RejectedMetrics {
  readonly #topics: ReadonlySet<string>
  readonly #kept: Counter<'topic'>
  readonly #discarded: Counter<'topic'>
  readonly #resubmitted: Counter<'topic'>
  readonly #rejectedAgain: Counter<'topic'>
  readonly #dismissed: Counter<'topic'>

  /** @param topics those that have a contract: names that nobody checked are no labels */
  constructor(
    registry: Registry,
    topics: ReadonlySet<string>,
    entries: () => Iterable<RejectionEntry>,
  ) {
    this.#topics = topics
    const counter = (name: string, help: string) =>
      new Counter({
        name: `kappa_ingest_rejections_${name}_total`,
        help,
        labelNames: ['topic'] as const,
        registers: [registry],
      })
    this.#kept = counter('kept', 'Rejected events that were written to the topic of rejections.')
    this.#discarded = counter(
      'discarded',
      'Rejected events of requests that said rejected=discard.',
    )
    this.#resubmitted = counter(
      'resubmitted',
      'Rejections whose event was resubmitted and is in the log.',
    )
    this.#rejectedAgain = counter('rejected_again', 'Resubmitted events that were rejected again.')
    this.#dismissed = counter('dismissed', 'Rejections that were dismissed.')
    new Gauge({
      name: 'kappa_ingest_rejections_open',
      help: 'Rejections that are neither resubmitted nor dismissed, of those that can be listed.',
      labelNames: ['topic'],
      registers: [registry],
      collect() {
        const open = new Map<string, number>()
        for (const entry of entries()) {
          const state = stateOf(entry)
          const counts = state === 'open' || state === 'resubmitting' ? 1 : 0
          const label = topics.has(entry.topic) ? entry.topic : ''
          open.set(label, (open.get(label) ?? 0) + counts)
        }
        this.reset()
        for (const [topic, count] of open) this.set({ topic }, count)
      },
    })
  }

  kept(topic: string): void {
    this.#kept.inc(this.#label(topic))
  }

  discarded(topic: string): void {
    this.#discarded.inc(this.#label(topic))
  }

  resubmitted(topic: string): void {
    this.#resubmitted.inc(this.#label(topic))
  }

  rejectedAgain(topic: string): void {
    this.#rejectedAgain.inc(this.#label(topic))
  }

  dismissed(topic: string): void {
    this.#dismissed.inc(this.#label(topic))
  }

  #label(topic: string): { topic: string } {
    return { topic: this.#topics.has(topic) ? topic : '' }
  }
}
