import type { Placement } from '@kappa/kafka/port'
import { ServiceError } from '@kappa/service/errors'
import { RecentPlacements } from './recent-placements.ts'

/** What the log of a topic says about its import. */
export interface ImportState {
  /** A live event is in the log: no more imports. */
  readonly closed: boolean
  /** Highest event time imported so far, epoch milliseconds; -Infinity before the first event. */
  readonly highestMs: number
  /** The newest events of the import, the very newest last. */
  readonly placed: readonly (Placement & { readonly id: string })[]
}

/** Of events of an import that are not in the log for sure. */
export interface ImportFailure {
  readonly maybeInLog: boolean
  /** Highest event time before they were admitted, epoch milliseconds. */
  readonly highestMsBefore: number
}

/** Events of an import that are remembered: more than a client has under way without an answer. */
export const recentImportsMax = 20_000

/**
 * Keeps the order that imports of history promise: within a topic no event is older than the
 * highest event time before it by more than the declared disorder, and none comes after the
 * topic's first live event. Live events wait for imports that are being written, and imports for
 * live events, so that this order holds across partitions too; once a live event is in the log
 * nobody waits.
 *
 * The gate belongs to one instance and reads the log before its first import, and again when it is
 * not sure what an import that failed has left there. Two instances
 * that import into one topic at the same time do not see each other's highest event time: send an
 * import through one instance.
 */
export class ImportGate {
  readonly #topic: string
  readonly #recover: () => Promise<ImportState>
  readonly #recent = new RecentPlacements(recentImportsMax)
  #recovery: Promise<void> | undefined
  /** What is in the log is known, but for what is being written. */
  #known = false
  #closed = false
  #highestMs = Number.NEGATIVE_INFINITY
  #livePending = 0
  #importsPending = 0
  #waiting: (() => void)[] = []

  constructor(topic: string, recover: () => Promise<ImportState>) {
    this.#topic = topic
    this.#recover = recover
  }

  get highestMs(): number {
    return this.#highestMs
  }

  /** Resolves when live events may be sent. Follow it with `leaveLive`. */
  async enterLive(): Promise<void> {
    this.#livePending++
    while (this.#importsPending > 0) await this.#change()
  }

  /** @param inLog whether the events are, or may be, in the log */
  leaveLive(inLog: boolean): void {
    this.#livePending--
    if (inLog) this.#closed = true
    this.#notify()
  }

  /**
   * Resolves when events of an import may be admitted. Follow it with `leaveImport`.
   * @throws ServiceError `import_closed`, or what reading the log threw.
   */
  async enterImport(): Promise<void> {
    for (;;) {
      if (this.#closed) {
        throw new ServiceError(
          'import_closed',
          `Topic ${this.#topic} has live events, which closed its import for good. Import into a new topic and let a stream read both.`,
        )
      }
      if (this.#known && this.#livePending === 0) break
      if (this.#known || this.#importsPending > 0) await this.#change()
      else await this.#recovered()
    }
    this.#importsPending++
  }

  /**
   * After a failure the same events sent again are in order: either nothing was written, and the
   * highest event time is what it was before, or the next import learns it from the log; from there
   * also when others are being written, because theirs may build on it.
   *
   * @param failure left out when the events are in the log
   */
  leaveImport(failure?: ImportFailure): void {
    this.#importsPending--
    if (failure !== undefined) {
      if (failure.maybeInLog || this.#importsPending > 0) this.#known = false
      else this.#highestMs = failure.highestMsBefore
    }
    this.#notify()
  }

  /**
   * Takes the next event of the import.
   * @returns the highest event time up to and including it, or undefined if it is older than the
   *   highest before it by more than the disorder (all in milliseconds).
   */
  admit(eventTimeMs: number, disorderMs: number): number | undefined {
    if (eventTimeMs < this.#highestMs - disorderMs) return undefined
    if (eventTimeMs > this.#highestMs) this.#highestMs = eventTimeMs
    return this.#highestMs
  }

  /**
   * Where an event lies that was imported lately: one that comes again is older than what was
   * imported after it, but it is no disorder.
   */
  placementOf(id: string): Placement | undefined {
    return this.#recent.get(id)
  }

  remember(id: string, placement: Placement): void {
    this.#recent.add(id, placement)
  }

  /** Call it while no import is being written. */
  #recovered(): Promise<void> {
    const read = async () => {
      const state = await this.#recover()
      this.#known = true
      this.#closed ||= state.closed
      this.#highestMs = state.highestMs
      for (const { id, ...placement } of state.placed) this.#recent.add(id, placement)
    }
    this.#recovery ??= read().finally(() => {
      this.#recovery = undefined
    })
    return this.#recovery
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #notify(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
