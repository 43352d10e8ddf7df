import { type ReleaseRecord, releaseKey } from '@kappa/applications/records'
import type { Logger } from '@kappa/service/logger'
import type { RedisMemory } from '@kappa/view-store/redis-memory'
import type { ReleaseRows } from '@kappa/view-store/release-rows'
import type { ViewStore } from '@kappa/view-store/view-store'
import type { ControlState } from '../control/control-state.ts'

export interface MemoryBoundParts {
  readonly control: Pick<ControlState, 'live' | 'readable' | 'release' | 'isReadable'>
  readonly store: Pick<ViewStore, 'refuse' | 'allow' | 'refused' | 'pointer'>
  readonly rows: Pick<ReleaseRows, 'bytesOf' | 'removeRows'>
  readonly readMemory: () => Promise<RedisMemory>
  /** 0 to 1: of the memory that Redis may use. */
  readonly usedShareMax: number
  readonly logger: Logger
}

/** Between refusing and allowing again, so that a release is not loaded to be removed at once. */
const marginShare = 0.05
/** Until all instances have let go of a release that was refused, and Redis has freed its memory. */
const checksUntilFreed = 3

/**
 * Keeps room in Redis for the live releases. While it is nearly full, releases that are not live are
 * refused, the oldest first: whoever loads them lets go of them and removes their rows, which come back
 * from their changelogs when there is room again, or when they become live. What is refused is noted in
 * Redis, so that all instances do the same.
 */
export class MemoryBound {
  readonly #parts: MemoryBoundParts
  /** By release key, the bytes that its rows are taken to need. */
  #refused: ReadonlyMap<string, number> = new Map()
  #checksToSkip = 0

  constructor(parts: MemoryBoundParts) {
    this.#parts = parts
  }

  isRefused(record: Pick<ReleaseRecord, 'application' | 'release' | 'switching'>): boolean {
    return (
      this.#refused.has(releaseKey(record.application, record.release)) && this.#mayWait(record)
    )
  }

  /** Those of the releases that would be loaded. */
  refused(): ReleaseRecord[] {
    return this.#parts.control.readable().filter((record) => this.isRefused(record))
  }

  /**
   * Refuses one release more, or allows one again, as the memory demands. To be called when the control
   * topics have been read.
   * @returns whether what is refused has changed, here or by another instance
   * @throws the client's error while Redis is away
   */
  async check(): Promise<boolean> {
    const before = this.#refused
    const noted = await this.#parts.store.refused()
    await this.#forget(noted)
    const isChanged = () =>
      noted.size !== before.size || [...noted.keys()].some((key) => !before.has(key))
    if (isChanged()) this.#checksToSkip = checksUntilFreed
    else if (this.#checksToSkip > 0) this.#checksToSkip -= 1
    else await this.#decide(noted)
    this.#refused = noted
    return isChanged()
  }

  /** What is known to be live, on its way there, or not loaded any more, is refused no longer. */
  async #forget(noted: Map<string, number>): Promise<void> {
    const { control, store } = this.#parts
    for (const key of [...noted.keys()]) {
      const at = key.lastIndexOf('/')
      const record = control.release(key.slice(0, at), Number(key.slice(at + 1)))
      // Another instance may have heard of a release first.
      if (record === undefined) continue
      if (control.isReadable(record.application, record.release) && this.#mayWait(record)) continue
      await store.allow(key)
      noted.delete(key)
    }
  }

  async #decide(noted: Map<string, number>): Promise<void> {
    const { readMemory, usedShareMax, store, logger } = this.#parts
    const waiting = this.#waiting()
    if (waiting.length === 0) return
    const { usedShare, bytesMax, isFreeing } = await readMemory()
    if (isFreeing) return
    const oldest = waiting.find((record) => !noted.has(keyOf(record)))
    if (usedShare > usedShareMax && oldest !== undefined) {
      await this.#refuse(oldest, usedShare, noted)
      return
    }
    const newest = waiting.findLast((record) => noted.has(keyOf(record)))
    if (newest === undefined) return
    const needed = bytesMax === 0 ? 0 : (noted.get(keyOf(newest)) ?? 0) / bytesMax
    if (usedShare + needed > usedShareMax - marginShare) return
    await store.allow(keyOf(newest))
    noted.delete(keyOf(newest))
    this.#checksToSkip = checksUntilFreed
    const { application, release } = newest
    logger.info(
      { application, release, usedShare },
      'Redis has room again: the rows of this release are loaded',
    )
  }

  async #refuse(
    record: ReleaseRecord,
    usedShare: number,
    noted: Map<string, number>,
  ): Promise<void> {
    const { rows, store, logger } = this.#parts
    const { application, release } = record
    const bytes = await this.#bytesOf(record)
    // It may have become live meanwhile, and Redis may know that first.
    const { pointer } = await store.pointer(application)
    if (pointer?.release === release || !this.#mayWait(record)) return
    try {
      await store.refuse(keyOf(record), bytes)
    } catch {
      // A Redis that is quite full takes no note before it has room for it.
      await rows.removeRows(application, release)
      await store.refuse(keyOf(record), bytes)
    }
    noted.set(keyOf(record), bytes)
    this.#checksToSkip = checksUntilFreed
    logger.warn(
      { application, release, usedShare, bytes },
      'Redis is nearly full: the rows of this release are removed until there is room, or it is live',
    )
  }

  /** As many as it has; it may have begun, so no fewer than the live release of its application has. */
  async #bytesOf({ application, release }: ReleaseRecord): Promise<number> {
    const { rows, control } = this.#parts
    const live = control.live(application)
    const [own, ofLive] = await Promise.all([
      rows.bytesOf(application, release),
      live === undefined ? 0 : rows.bytesOf(application, live.release),
    ])
    return Math.max(own, ofLive)
  }

  /** What is loaded without being live, the oldest first. */
  #waiting(): ReleaseRecord[] {
    return this.#parts.control
      .readable()
      .filter((record) => this.#mayWait(record))
      .sort((a, b) => a.updated_at - b.updated_at)
  }

  /** Whether readers have another release, and are not about to get this one. */
  #mayWait({
    application,
    release,
    switching,
  }: Pick<ReleaseRecord, 'application' | 'release' | 'switching'>): boolean {
    const live = this.#parts.control.live(application)
    return live !== undefined && live.release !== release && switching === undefined
  }
}

function keyOf({ application, release }: ReleaseRecord): string {
  return releaseKey(application, release)
}
