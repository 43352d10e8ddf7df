import { randomUUID } from 'node:crypto'
import type { Position } from '@kappa/kafka/position-token'
import { ServiceError } from '@kappa/service/errors'
import type { Logger } from '@kappa/service/logger'
import type { Span } from '@kappa/service/tracing'
import { mergePositions } from '../publishing/positions.ts'
import type { Published, Publisher } from '../publishing/publisher.ts'
import type { Fix } from './fix.ts'
import { type FixPreparer, type Prepared, repeated } from './fix-preparer.ts'
import { type Outcome, resubmitPending, stillRejected, unknownRejection } from './outcome.ts'
import type { RejectedFollower } from './rejected-follower.ts'
import type { Change, RejectedLog } from './rejected-log.ts'
import type { RejectedMetrics } from './rejected-metrics.ts'
import type { RejectionEntry } from './rejection-entry.ts'
import type { RejectionIndex } from './rejection-index.ts'
import { boundedClient, boundedProblem, type Problem } from './rejection-record.ts'

/**
 * Reasons that do not follow from the event and its contract alone: by another clock, bound or
 * request the same bytes may have been taken.
 */
const dependOnMore = new Set(['from_the_future', 'event_too_large', 'id_conflict', 'internal'])

export interface ResubmitParts {
  readonly publisher: Pick<Publisher, 'publish'>
  readonly preparer: FixPreparer
  readonly log: RejectedLog
  readonly index: RejectionIndex
  readonly follower: Pick<RejectedFollower, 'caughtUp'>
  readonly metrics: RejectedMetrics
  readonly logger: Logger
  readonly now: () => number
  /** Calls at the same time; more are refused. */
  readonly callsMax: number
}

export interface Resubmission {
  /** In the order of the rejections. */
  readonly outcomes: readonly Outcome[]
  readonly position: Position
}

/**
 * Publishes rejected events again so that each counts once, whoever asks how often. A call first
 * writes what it is about to publish, reads the topic up to there, and publishes only what the
 * order of the records in the log gives it: two calls with different fixes, on any instances, never
 * both publish. A call that dies in between leaves its event under the same id and time for the
 * next one, which publishes the same bytes again; views count an id with its time once.
 */
export class Resubmitter {
  readonly #parts: ResubmitParts
  #calls = 0

  constructor(parts: ResubmitParts) {
    this.#parts = parts
  }

  /**
   * @param entries the caller bounds how many, and the bytes of their payloads
   * @throws ServiceError for all of them: `too_many_requests`, `kafka_unavailable`, `rebuilding`
   *   (nothing was published), `outcome_unknown` (some may be in the log: resubmit them again)
   */
  async resubmit(
    entries: readonly RejectionEntry[],
    fix: Fix,
    client: string,
    span?: Span,
  ): Promise<Resubmission> {
    const { callsMax } = this.#parts
    if (this.#calls >= callsMax) {
      throw new ServiceError(
        'too_many_requests',
        `${callsMax} calls resubmit events at the moment, which is the bound. Nothing of this one was published; send it again.`,
        { retryAfterSeconds: 1, details: { limit: 'resubmit_calls', bound: callsMax } },
      )
    }
    this.#calls++
    try {
      return await this.#resubmit(entries, fix, new Call(this.#parts, boundedClient(client), span))
    } finally {
      this.#calls--
    }
  }

  async #resubmit(entries: readonly RejectionEntry[], fix: Fix, call: Call): Promise<Resubmission> {
    const prepared = await this.#parts.preparer.prepare(entries, fix)
    const claimed = await call.claim(prepared.filter((each) => 'target' in each))
    const outcomes = new Map<string, Outcome>()
    for (const each of [...prepared, ...claimed]) {
      if ('status' in each) outcomes.set(each.id, each)
    }
    const position = await call.publish(
      claimed.filter((each) => 'target' in each),
      outcomes,
    )
    return { outcomes: entries.map(({ id }) => outcomes.get(id) as Outcome), position }
  }
}

/** One call that resubmits. */
class Call {
  readonly #parts: ResubmitParts
  readonly #client: string
  readonly #span: Span | undefined
  readonly #attempt = randomUUID()

  constructor(parts: ResubmitParts, client: string, span: Span | undefined) {
    this.#parts = parts
    this.#client = client
    this.#span = span
  }

  /** @returns those that this call is to publish, and what became of the others */
  async claim(wanted: readonly Prepared[]): Promise<(Prepared | Outcome)[]> {
    if (wanted.length === 0) return []
    const { log, follower, index } = this.#parts
    await log.append(
      wanted.map(
        ({ entry, event, version, digest }): Change => ({
          entry,
          about: { ...this.#happened(), type: 'resubmitting', version: version.n, digest },
          bytes: event.asReceived ? undefined : event.bytes,
        }),
      ),
      'It could not be written down what is to be published, so nothing was published',
    )
    await follower.caughtUp()
    return wanted.map((each) => {
      const { id } = each.entry
      const known = index.get(id)
      if (known === undefined) return { id, status: 'failed', error: unknownRejection(id) }
      if (known.published !== undefined) return repeated(known, each.digest)
      if (known.pending?.attempts.has(this.#attempt)) return each
      return { id, status: 'failed', error: resubmitPending(id) }
    })
  }

  /** Publishes them, adds what became of each to `outcomes`, and writes it down. */
  async publish(claimed: readonly Prepared[], outcomes: Map<string, Outcome>): Promise<Position> {
    const position = new Map<string, Map<number, bigint>>()
    const changes: Change[] = []
    const groups = Map.groupBy(
      claimed,
      ({ entry, version }) => `${entry.topic} ${version.n} ${entry.importDisorderMs}`,
    )
    for (const group of groups.values()) {
      const published = await this.#publishGroup(group)
      if (published instanceof ServiceError) {
        for (const each of group) this.#notPublished(each, published, outcomes, changes)
        continue
      }
      if (published.position !== undefined) mergePositions(position, published.position)
      for (const [at, each] of group.entries()) this.#took(each, published, at, outcomes, changes)
    }
    await this.#writeDown(changes)
    return position
  }

  async #publishGroup(group: readonly Prepared[]): Promise<Published | ServiceError> {
    const [{ target, version, entry }] = group as [Prepared]
    const request = {
      target,
      version,
      events: {
        values: group.map(({ event }) => event.value),
        payload: (index: number) => group[index]?.event.bytes ?? Buffer.alloc(0),
        envelopes: group.map(({ envelope }) => envelope),
      },
      disorderMs: entry.importDisorderMs ?? undefined,
      client: this.#client,
      // They are kept already.
      sink: undefined,
      span: this.#span,
    }
    try {
      return await this.#parts.publisher.publish(request)
    } catch (error) {
      if (error instanceof ServiceError) return error
      throw error
    }
  }

  #took(
    { entry, digest, version }: Prepared,
    published: Published,
    at: number,
    outcomes: Map<string, Outcome>,
    changes: Change[],
  ): void {
    const { metrics } = this.#parts
    const { id, topic } = entry
    const result = published.results[at]
    if (result?.status === 'accepted') {
      const { partition, offset } = result
      const event = { topic, version: version.n, id: result.id, partition, offset }
      outcomes.set(id, { id, status: 'resubmitted', repeated: false, event })
      changes.push({ entry, about: { ...this.#happened(), type: 'resubmitted', digest, event } })
      metrics.resubmitted(topic)
      return
    }
    const problem = boundedProblem(
      result?.error ?? { code: 'internal', message: 'no result', path: '$' },
    )
    outcomes.set(id, { id, status: 'failed', error: stillRejected(problem) })
    const always = entry.importDisorderMs === null && !dependOnMore.has(problem.code)
    changes.push(this.#failedChange(entry, problem, always ? 'all' : 'attempt'))
    metrics.rejectedAgain(topic)
  }

  #notPublished(
    { entry }: Prepared,
    error: ServiceError,
    outcomes: Map<string, Outcome>,
    changes: Change[],
  ): void {
    outcomes.set(entry.id, { id: entry.id, status: 'failed', error })
    // What may be in the log stays pending: it is published again as it is, or not at all.
    if (error.code === 'outcome_unknown') return
    const problem = boundedProblem({ code: error.code, message: error.message, path: '$' })
    changes.push(this.#failedChange(entry, problem, 'attempt'))
  }

  async #writeDown(changes: readonly Change[]): Promise<void> {
    const { log, follower, logger } = this.#parts
    const anyPublished = changes.some(({ about }) => about.type === 'resubmitted')
    try {
      await log.append(changes, 'What became of the events could not be written down for sure')
    } catch (error) {
      // Their own reasons say more than that writing them down failed.
      if (!anyPublished) {
        logger.warn({ err: error }, 'Rejected events stay pending')
        return
      }
      const { message, cause } = error as ServiceError
      throw new ServiceError(
        'outcome_unknown',
        `${message} Events that are in the log already count once when they are resubmitted again.`,
        { retryAfterSeconds: 2, cause },
      )
    }
    await follower.caughtUp().catch((error: unknown) => {
      // Only what this instance lists next is older for a while.
      logger.info({ err: error }, 'Rejected events were not read after resubmitting')
    })
  }

  #failedChange(entry: RejectionEntry, error: Problem, settles: 'attempt' | 'all'): Change {
    return { entry, about: { ...this.#happened(), type: 'failed', error, settles } }
  }

  #happened() {
    const at = this.#parts.now()
    return { format: 1 as const, at, client: this.#client, attempt: this.#attempt }
  }
}
