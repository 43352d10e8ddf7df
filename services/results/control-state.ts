import { parsePositionRecord, parseReleaseRecord } from '@kappa/applications/control-records'
import { type LivePointer, type ReleaseRecord, releaseKey } from '@kappa/applications/records'
import { PositionQueue } from './position-queue.ts'

/** The control topics in memory: releases, the live one of each application, positions. */
export class ControlState {
  readonly #pendingPositionsMax: number
  readonly #releases = new Map<string, ReleaseRecord>()
  readonly #live = new Map<string, LivePointer>()
  readonly #positions = new Map<string, PositionQueue>()
  readonly #incomplete = new Set<string>()

  constructor(pendingPositionsMax: number) {
    this.#pendingPositionsMax = pendingPositionsMax
  }

  /**
   * Takes a record of the topic of releases.
   * @throws ControlRecordError
   */
  takeRelease(key: string, value: Buffer | null): void {
    if (value === null) {
      this.#releases.delete(key)
      if (key.endsWith('/live')) this.#live.delete(key.slice(0, -'/live'.length))
      return
    }
    const record = parseReleaseRecord(key, value)
    if ('release' in record) {
      this.#releases.set(
        releaseKey(record.release.application, record.release.release),
        record.release,
      )
      return
    }
    const before = this.#live.get(record.live.application)
    if (before && before.epoch > record.live.epoch) return
    this.#live.set(record.live.application, record.live)
  }

  /**
   * Takes a record of the topic of positions; false when it is older than what is known.
   * @throws ControlRecordError
   */
  takePosition(key: string, value: Buffer | null): boolean {
    if (value === null) {
      this.#positions.delete(key)
      return true
    }
    const record = parsePositionRecord(key, value)
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

  live(application: string): LivePointer | undefined {
    return this.#live.get(application)
  }

  /** Applications that have a release, live or not. */
  applications(): string[] {
    const names = [...this.#releases.values()].map(({ application }) => application)
    return [...new Set([...names, ...this.#live.keys()])].sort()
  }

  /** The releases whose rows readers can get: these are kept in Redis. */
  readable(): ReleaseRecord[] {
    return [...this.#live.values()].flatMap(
      ({ application, release }) => this.#releases.get(releaseKey(application, release)) ?? [],
    )
  }
}
