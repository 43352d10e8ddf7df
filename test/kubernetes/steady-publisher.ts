import { setTimeout as delay } from 'node:timers/promises'
import { Publisher } from '@kappa/client/publisher'
import type { Publication } from '../platform/publish.ts'

const chunk = 20

/** Publishes events in order with the SDK, which sends again what failed, at a steady rate. */
export class SteadyPublisher {
  /** Of the newest event of each topic that was acknowledged: see `await` of a query. */
  readonly positions = new Map<string, string>()
  accepted = 0
  readonly #publisher: Publisher
  readonly #over = new AbortController()
  /** Resolves when every event is acknowledged, or it was stopped. */
  readonly finished: Promise<void>

  constructor(url: string, events: readonly Publication[], eventsPerSecond: number) {
    this.#publisher = new Publisher({ url, mode: 'import', disorder: '1 hour' })
    this.finished = this.#publish(events, eventsPerSecond)
    this.finished.catch(() => undefined)
  }

  /** @throws EventRejectedError, EventFailedError */
  async stop(): Promise<void> {
    this.#over.abort()
    await this.finished
    await this.#publisher.close()
  }

  async #publish(events: readonly Publication[], eventsPerSecond: number): Promise<void> {
    const { signal } = this.#over
    for (let start = 0; start < events.length && !signal.aborted; start += chunk) {
      const part = events.slice(start, start + chunk)
      const answers = await Promise.all(
        part.map(({ topic, event }) => this.#publisher.publish(topic, event)),
      )
      this.accepted += answers.length
      for (const [index, { position }] of answers.entries()) {
        const topic = part[index]?.topic
        if (topic !== undefined && position !== undefined) this.positions.set(topic, position)
      }
      const waitMs = (chunk / eventsPerSecond) * 1_000
      await delay(waitMs, undefined, { signal }).catch(() => undefined)
    }
  }
}
