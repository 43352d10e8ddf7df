import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from './backoff.ts'
import { type AttemptResult, readResults } from './batch-answer.ts'
import { type BatchBodyOptions, makeBody } from './batch-body.ts'
import { ApiError, ConnectionError } from './errors.ts'
import { failure, type PendingEvent } from './pending-event.ts'
import type { PublisherLimits, PublisherOptions } from './publish-options.ts'
import type { EventResult } from './publish-results.ts'
import type { Counters } from './publisher-counters.ts'
import type { TopicsApi } from './topics-api.ts'
import { type Transport, toApiError } from './transport.ts'
import { uuidV7 } from './uuid-v7.ts'

export interface BatchSenderParts {
  readonly transport: Transport
  readonly topics: TopicsApi
  readonly options: PublisherOptions
  readonly limits: PublisherLimits
  readonly counters: Counters
  readonly settle: (event: PendingEvent, result: EventResult) => void
  /** Aborted when the publisher gives up everything. */
  readonly signal: AbortSignal
}

/** Why events were not acknowledged by an attempt, and whether another one may help. */
interface AttemptFailure {
  readonly code: string
  readonly message: string
  readonly retryable: boolean
  readonly retryAfterMs?: number | undefined
}

/** Answers that say that nothing was written. All others without results leave it open. */
const nothingWritten = new Set(['too_many_requests', 'kafka_unavailable', 'stopping'])
const retryableStatuses = new Set([408, 425, 429, 500, 502, 503, 504])
const sourceDefault = 'urn:kappa:client'

/** Takes batches to ingest and settles each of their events, whatever happens on the way. */
export class BatchSender {
  readonly #parts: BatchSenderParts
  /** Whether events of a topic carry their ids as CloudEvents. */
  readonly #cloudEvents = new Map<string, boolean>()

  constructor(parts: BatchSenderParts) {
    this.#parts = parts
  }

  /** Resolves when all events are settled; never rejects. Only what failed is sent again. */
  async send(topic: string, batch: readonly PendingEvent[]): Promise<void> {
    let events = batch
    for (let attempt = 0; ; attempt++) {
      events = events.filter((event) => !event.settled)
      if (events.length === 0) return
      const reason = await this.#attempt(topic, events).catch(explain)
      events = events.filter((event) => !event.settled)
      if (reason === undefined || events.length === 0) return
      if (reason.code === 'split') return this.#sendHalves(topic, events)
      if (!reason.retryable || this.#parts.signal.aborted) return this.#giveUp(events, reason)
      const delayMs = backoffMs(attempt, this.#parts.limits, reason.retryAfterMs)
      const resumeAtMs = performance.now() + delayMs
      const { deliveryTimeoutMs } = this.#parts.limits
      const late = events.filter((event) => event.queuedAtMs + deliveryTimeoutMs < resumeAtMs)
      this.#giveUp(late, {
        ...reason,
        message: `not within ${deliveryTimeoutMs} ms (deliveryTimeoutMs): ${reason.message}`,
      })
      if (late.length === events.length) return
      // Rejects only when the publisher gives up, which the next attempt finds out.
      await sleep(delayMs, undefined, { signal: this.#parts.signal }).catch(() => undefined)
    }
  }

  async #sendHalves(topic: string, events: readonly PendingEvent[]): Promise<void> {
    const middle = Math.ceil(events.length / 2)
    await this.send(topic, events.slice(0, middle))
    await this.send(topic, events.slice(middle))
  }

  /** @returns why some events are not settled, or undefined when all are */
  async #attempt(
    topic: string,
    events: readonly PendingEvent[],
  ): Promise<AttemptFailure | undefined> {
    const { transport, options, counters, signal } = this.#parts
    const cloudEvents = await this.#usesCloudEvents(topic)
    const sent = cloudEvents ? events : this.#refuseGivenIds(topic, events)
    if (sent.length === 0) return undefined
    const bodyOptions: BatchBodyOptions = {
      topic,
      cloudEvents,
      source: options.source ?? sourceDefault,
      compression: options.compression ?? 'none',
    }
    for (const event of sent) {
      if (cloudEvents) event.id ??= uuidV7()
      if (event.attempts++ === 0) counters.sent++
      else counters.retried++
    }
    const { body, headers } = await makeBody(sent, bodyOptions)
    counters.requests++
    const path = `/v1/topics/${encodeURIComponent(topic)}/events${this.#query(topic)}`
    try {
      const answer = await transport.send({ method: 'POST', path, body, headers, signal })
      const results = readResults(answer, sent.length)
      if (results !== undefined) return this.#settle(sent, results)
      throw toApiError(answer)
    } catch (error) {
      const reason = explain(error)
      if (splits(error) && sent.length > 1) return { ...reason, code: 'split' }
      const unsure = reason.retryable && !nothingWritten.has(reason.code)
      if (unsure && reason.code !== 'unreachable') for (const event of sent) event.maybeInLog = true
      return reason
    }
  }

  async #usesCloudEvents(topic: string): Promise<boolean> {
    const known = this.#cloudEvents.get(topic)
    if (known !== undefined) return known
    const { id } = await this.#parts.topics.get(topic, { signal: this.#parts.signal })
    this.#cloudEvents.set(topic, id === null)
    return id === null
  }

  #refuseGivenIds(topic: string, events: readonly PendingEvent[]): readonly PendingEvent[] {
    if (!events.some((event) => event.givenId)) return events
    const message = `the contract of ${topic} names a field that has the id; leave out the option id`
    for (const event of events) {
      if (event.givenId) this.#parts.settle(event, failure(event, 'id_in_event', message))
    }
    return events.filter((event) => !event.givenId)
  }

  #query(topic: string): string {
    const { mode, disorder, versions, rejected } = this.#parts.options
    const query = new URLSearchParams()
    if (mode === 'import') query.set('mode', mode)
    if (disorder !== undefined) query.set('disorder', disorder)
    const version = versions?.[topic]
    if (version !== undefined) query.set('version', String(version))
    if (rejected !== undefined) query.set('rejected', rejected)
    return query.size === 0 ? '' : `?${query}`
  }

  #settle(
    events: readonly PendingEvent[],
    results: readonly AttemptResult[],
  ): AttemptFailure | undefined {
    let again: AttemptFailure | undefined
    for (const [index, event] of events.entries()) {
      const result = results[index] as AttemptResult
      if (event.settled) continue
      if (result.status === 'again') {
        event.maybeInLog ||= !nothingWritten.has(result.code)
        again ??= { code: result.code, message: result.message, retryable: true }
      } else if (event.maybeInLog && isDisorder(result)) {
        // Its own first attempt, if that was written, is what it is out of order with.
        const message = `an earlier attempt may have written it, then: ${result.error.message}`
        this.#parts.settle(event, failure(event, 'outcome_unknown', message))
      } else {
        this.#parts.settle(event, result)
      }
    }
    return again
  }

  #giveUp(events: readonly PendingEvent[], { code, message }: AttemptFailure): void {
    for (const event of events) this.#parts.settle(event, failure(event, code, message))
  }
}

function isDisorder(result: EventResult): result is EventResult & { status: 'rejected' } {
  return result.status === 'rejected' && result.error.code === 'import_disorder'
}

function splits(error: unknown): boolean {
  return error instanceof ApiError && ['body_too_large', 'batch_too_large'].includes(error.code)
}

function explain(error: unknown): AttemptFailure {
  if (error instanceof ApiError) {
    const { code, message, retryAfterMs, status } = error
    return { code, message, retryAfterMs, retryable: retryableStatuses.has(status) }
  }
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof ConnectionError) {
    return { code: error.code, message, retryable: error.code !== 'aborted' }
  }
  // A defect; telling it beats retrying it for two minutes.
  return { code: 'internal', message, retryable: false }
}
