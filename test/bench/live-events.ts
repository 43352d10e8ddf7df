import { setTimeout as delay } from 'node:timers/promises'
import type { Platform } from '../platform/platform.ts'
import { getJson, type Page } from '../platform/platform-client.ts'
import { waitFor } from '../platform/wait.ts'
import { Coverage } from './coverage.ts'

const RESULTS_POLL_MS = 5
const READABLE_TIMEOUT_MS = 60_000
const AIRCRAFT = 200

/** Events as they happen, at a steady rate, and how long it takes until results has each. */
export class LiveEvents {
  sent = 0
  readonly #platform: Platform
  readonly #topic: string
  readonly #view: { readonly application: string; readonly view: string }
  readonly #eventOf: (number: number, atMs: number) => string

  /** @param eventOf JSON of an event */
  constructor(
    platform: Platform,
    topic: string,
    view: { readonly application: string; readonly view: string },
    eventOf: (number: number, atMs: number) => string,
  ) {
    this.#platform = platform
    this.#topic = topic
    this.#view = view
    this.#eventOf = eventOf
  }

  /** @returns milliseconds from the answer of ingest to the answer of results, of each event */
  async during(work: Promise<unknown>, eventsPerSecond: number): Promise<number[]> {
    const coverage = new Coverage()
    const over = new AbortController()
    const reading = this.#poll(coverage, over.signal)
    let isDone = false
    const done = work.finally(() => {
      isDone = true
    })
    const answers: Promise<void>[] = []
    const since = performance.now()
    try {
      for (let index = 0; !isDone; index++) {
        const due = since + (index * 1_000) / eventsPerSecond
        await delay(Math.max(0, due - performance.now()))
        const answer = this.#publish(coverage)
        // It is awaited below; until then a failure is no unhandled one.
        answer.catch(() => undefined)
        answers.push(answer)
      }
      await done
      await Promise.all(answers)
      await waitFor(
        'every event readable',
        async () => (coverage.waiting === 0 ? true : undefined),
        READABLE_TIMEOUT_MS,
      )
    } finally {
      over.abort()
      await reading
    }
    return coverage.latenciesMs
  }

  async #publish(coverage: Coverage): Promise<void> {
    this.sent += 1
    const answer = await fetch(`${this.#platform.ingest.url}/v1/topics/${this.#topic}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: this.#eventOf(this.sent, Date.now()),
    })
    const acceptedAt = performance.now()
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`ingest answered ${answer.status}: ${text}`)
    const [placed] = JSON.parse(text).results
    coverage.add({ partition: placed.partition, offset: Number(placed.offset), acceptedAt })
  }

  async #poll(coverage: Coverage, over: AbortSignal): Promise<void> {
    const { application, view } = this.#view
    while (!over.aborted) {
      const url = `${this.#platform.results.url}/v1/views/${application}/${view}?limit=1`
      const { meta } = (await getJson(url)) as Page
      coverage.readable(String(meta.position), this.#topic, performance.now())
      await delay(RESULTS_POLL_MS)
    }
  }
}

/** Of `flights.departures`. */
export function departure(number: number, atMs: number): string {
  const at = new Date(atMs).toISOString()
  return JSON.stringify({
    event_id: `bench-${number}`,
    carrier: 'UA',
    flight: number % 10_000,
    tail_number: `N${number % AIRCRAFT}`,
    origin: 'EWR',
    destination: 'IAH',
    scheduled_at: at,
    departed_at: at,
    delay_minutes: 0,
    distance_miles: 1_400,
  })
}
