import { parsePositionRecord, parseReleaseRecord } from '@kappa/applications/control-records'
import {
  type LivePointer,
  type ReleaseRecord,
  type ReleaseState,
  releaseKey,
} from '@kappa/applications/records'
import { PositionQueue } from './position-queue.ts'

/** Their rows are read, held against those of the live release, or may be read from one call on. */
const loadedStates: ReadonlySet<ReleaseState> = new Set(['comparing', 'ready', 'live', 'standby'])

/** The control topics in memory: releases, the live one of each application, positions. */
export class ControlState {
  readonly #pendingPositionsMax: number
  readonly #releases = new Map<string, ReleaseRecord>()
  readonly #live = new Map<string, LivePointer>()
  readonly #positions = new Map<string, PositionQueue>()
  readonly #incomplete = new Set<string>()
  readonly #switchedAt = new Map<string, number>()
  #epoch = 0
  #change = Promise.withResolvers<void>()

  constructor(pendingPositionsMax: number) {
    this.#pendingPositionsMax = pendingPositionsMax
  }

  /**
   * Takes a record of the topic of releases.
   * @throws ControlRecordError
   */
  takeRelease(key: string, value: Buffer | null): void {
    this.#announce()
    if (value === null) {
      this.#releases.delete(key)
      if (key.endsWith('/live')) this.#live.delete(key.slice(0, -'/live'.length))
      return
    }
    const record = parseReleaseRecord(key, value)
    if ('release' in record) {
      this.#epoch = Math.max(this.#epoch, record.release.epoch)
      this.#releases.set(
        releaseKey(record.release.application, record.release.release),
        record.release,
      )
      return
    }
    const { application, epoch } = record.live
    this.#epoch = Math.max(this.#epoch, epoch)
    const before = this.#live.get(application)
    if (before && before.epoch > epoch) return
    this.#live.set(application, record.live)
    if (before && before.release !== record.live.release) {
      this.#switchedAt.set(application, Date.now())
    }
  }

  /**
   * Takes a record of the topic of positions; false when it is older than what is known.
   * @throws ControlRecordError
   */
  takePosition(key: string, value: Buffer | null): boolean {
    this.#announce()
    if (value === null) {
      this.#positions.delete(key)
      return true
    }
    const record = parsePositionRecord(key, value)
    this.#epoch = Math.max(this.#epoch, record.epoch)
    if (!record.complete) this.#incomplete.add(releaseKey(record.application, record.release))
    return this.positions(record.application, record.release, record.view).add(record)
  }

  /** To be called when the topic was read to its end as of the start. */
  keepNewestPositions(): void {
    for (const queue of this.#positions.values()) queue.keepNewest()
  }

  positions(application: string, release: number, view: string): PositionQueue {
    const key = `${releaseKey(application, release)}/${view}`
    const queue = this.#positions.get(key) ?? new PositionQueue(this.#pendingPositionsMax)
    this.#positions.set(key, queue)
    return queue
  }

  /** Once a view of a release has dropped something, no answer of that release is complete. */
  isComplete(application: string, release: number): boolean {
    return !this.#incomplete.has(releaseKey(application, release))
  }

  /** The newest epoch of replay that anything here was written with. */
  get epoch(): number {
    return this.#epoch
  }

  /** Resolves when the next record is taken, or after `timeoutMs`. */
  async change(timeoutMs: number): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, timeoutMs)
    await Promise.race([this.#change.promise, late.promise])
    clearTimeout(timer)
  }

  /** Epoch ms at which this instance heard that the application has another live release. */
  switchedAt(application: string): number | undefined {
    return this.#switchedAt.get(application)
  }

  release(application: string, release: number): ReleaseRecord | undefined {
    return this.#releases.get(releaseKey(application, release))
  }

  live(application: string): LivePointer | undefined {
    return this.#live.get(application)
  }

  /** Applications that have a release, live or not. */
  applications(): string[] {
    const names = [...this.#releases.values()].map(({ application }) => application)
    return [...new Set([...names, ...this.#live.keys()])].sort()
  }

  /**
   * The releases whose rows are kept in Redis: whatever the live pointer names, a failed one too,
   * and those that it may come to name next.
   */
  readable(): ReleaseRecord[] {
    return [...this.#releases.values()].filter(({ application, release }) =>
      this.isReadable(application, release),
    )
  }

  isReadable(application: string, release: number): boolean {
    const record = this.release(application, release)
    if (record === undefined) return false
    return loadedStates.has(record.state) || this.#live.get(application)?.release === release
  }

  #announce(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers<void>()
  }
}
