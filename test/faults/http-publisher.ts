import { setTimeout as pause } from 'node:timers/promises'
import type { Acknowledged } from './log-audit.ts'

const CLIENTS = 2
const EVENTS_PER_REQUEST = 20
const PAUSE_MS = 100
const REQUEST_TIMEOUT_MS = 30_000

interface Result {
  readonly status: 'accepted' | 'rejected'
  readonly id?: string
  readonly partition?: number
  readonly offset?: string
}

/** Makes a valid event with this id, or one that ingest has to reject. */
export type MakeEvent = (id: string, valid: boolean) => object

/**
 * Publishes over HTTP from several clients at once. Each sends a request that was not answered, or
 * answered with 429 or 503, again as it was; the last event of each is one that must be rejected.
 */
export class HttpPublisher {
  readonly acknowledged: Acknowledged = new Map()
  /** Events of requests that were answered for good. */
  answered = 0
  rejected = 0
  /** Requests that had to be sent again, by the reason. */
  readonly retries = new Map<string, number>()
  readonly #url: string
  readonly #makeEvent: MakeEvent
  readonly #stop = new AbortController()
  readonly #clients: Promise<void>[]

  constructor(url: string, makeEvent: MakeEvent) {
    this.#url = url
    this.#makeEvent = makeEvent
    this.#clients = Array.from({ length: CLIENTS }, (_, client) => this.#publish(client))
  }

  /** Resolves when every request is answered. */
  async finish(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#clients)
  }

  async #publish(client: number): Promise<void> {
    for (let request = 0; !this.#stop.signal.aborted; request += 1) {
      const ids = Array.from({ length: EVENTS_PER_REQUEST }, (_, i) => `${client}-${request}-${i}`)
      const events = ids.map((id, i) => this.#makeEvent(id, i < EVENTS_PER_REQUEST - 1))
      const results = await this.#sendUntilAnswered(JSON.stringify(events))
      this.answered += events.length
      for (const { status, id, partition, offset } of results) {
        if (status === 'rejected') this.rejected += 1
        else
          this.acknowledged.set(String(id), {
            partition: Number(partition),
            offset: Number(offset),
          })
      }
      await pause(PAUSE_MS)
    }
  }

  async #sendUntilAnswered(body: string): Promise<readonly Result[]> {
    for (;;) {
      const reason = await this.#send(body)
      if (typeof reason !== 'string') return reason
      this.retries.set(reason, (this.retries.get(reason) ?? 0) + 1)
      await pause(PAUSE_MS)
    }
  }

  /** The results, or why the request has to be sent again. */
  async #send(body: string): Promise<readonly Result[] | string> {
    let answer: Response
    try {
      answer = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      })
    } catch (error) {
      return (error as Error).name
    }
    const { results, error } = (await answer.json()) as {
      results?: Result[]
      error?: { code: string }
    }
    if (answer.status === 429 || answer.status === 503) return `${answer.status} ${error?.code}`
    if (answer.status !== 207 || !results) throw new Error(`${answer.status}: ${error?.code}`)
    return results
  }
}
