import { type ReleaseRecord, releaseKey } from '@kappa/applications/records'
import type { Logger } from '@kappa/service/logger'
import type { RedisMemory } from '@kappa/view-store/redis-memory'
import type { ReleaseRows } from '@kappa/view-store/release-rows'
import type { ViewStore } from '@kappa/view-store/view-store'
import type { ControlState } from '../control/control-state.ts'

export interface MemoryBoundParts {
  readonly control: Pick<ControlState, 'live' | 'readable'>
  readonly store: Pick<ViewStore, 'refuse' | 'allow' | 'refused'>
  readonly rows: Pick<ReleaseRows, 'bytesOf' | 'removeRows'>
  readonly readMemory: () => Promise<RedisMemory>
  /** 0 to 1: of the memory that Redis may use. */
  readonly usedShareMax: number
  readonly logger: Logger
}

/** Between refusing and allowing again, so that a release is not loaded to be removed at once. */
const marginShare = 0.05

/**
 * Keeps room in Redis for the live releases. While it is nearly full, releases that are not live are
 * refused, the oldest first: their rows are removed, and come back from their changelogs when there is
 * room again, or when they become live. What is refused is noted in Redis, so that all instances do
 * the same.
 */
export class MemoryBound {
  readonly #parts: MemoryBoundParts
  /** By release key, the bytes that its rows are taken to need. */
  #refused: ReadonlyMap<string, number> = new Map()

  constructor(parts: MemoryBoundParts) {
    this.#parts = parts
  }

  isRefused({ application, release }: Pick<ReleaseRecord, 'application' | 'release'>): boolean {
    const isLive = this.#parts.control.live(application)?.release === release
    return !isLive && this.#refused.has(releaseKey(application, release))
  }

  /** Those of the releases that would be loaded. */
  refused(): ReleaseRecord[] {
    return this.#parts.control.readable().filter((record) => this.isRefused(record))
  }

  /**
   * Refuses one release more, or allows one again, as the memory demands.
   * @returns whether what is refused has changed, here or by another instance
   * @throws the client's error while Redis is away
   */
  async check(): Promise<boolean> {
    const before = this.#refused
    const noted = await this.#parts.store.refused()
    await this.#forgetOthers(noted)
    await this.#decide(noted)
    this.#refused = noted
    return noted.size !== before.size || [...noted.keys()].some((key) => !before.has(key))
  }

  /** What has become live, or is not loaded any more, is refused no longer. */
  async #forgetOthers(noted: Map<string, number>): Promise<void> {
    const waiting = new Set(this.#waiting().map(keyOf))
    for (const key of [...noted.keys()].filter((refused) => !waiting.has(refused))) {
      await this.#parts.store.allow(key)
      noted.delete(key)
    }
  }

  async #decide(noted: Map<string, number>): Promise<void> {
    const { store, rows, readMemory, usedShareMax, logger } = this.#parts
    const waiting = this.#waiting()
    if (waiting.length === 0) return
    const { usedShare, bytesMax, isFreeing } = await readMemory()
    if (isFreeing) return
    const oldest = waiting.find((record) => !noted.has(keyOf(record)))
    if (usedShare > usedShareMax && oldest !== undefined) {
      const bytes = await this.#bytesOf(oldest)
      // Before it is noted: a Redis that is quite full takes no note.
      await rows.removeRows(oldest.application, oldest.release)
      await store.refuse(keyOf(oldest), bytes)
      noted.set(keyOf(oldest), bytes)
      logger.warn(
        { application: oldest.application, release: oldest.release, usedShare, bytes },
        'Redis is nearly full: the rows of this release are removed until there is room, or it is live',
      )
      return
    }
    const newest = waiting.findLast((record) => noted.has(keyOf(record)))
    if (newest === undefined || bytesMax === 0) return
    const needed = (noted.get(keyOf(newest)) ?? 0) / bytesMax
    if (usedShare + needed > usedShareMax - marginShare) return
    await store.allow(keyOf(newest))
    noted.delete(keyOf(newest))
    logger.info(
      { application: newest.application, release: newest.release, usedShare },
      'Redis has room again: the rows of this release are loaded',
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
    const { control } = this.#parts
    return control
      .readable()
      .filter(({ application, release }) => control.live(application)?.release !== release)
      .sort((a, b) => a.updated_at - b.updated_at)
  }
}

function keyOf({ application, release }: ReleaseRecord): string {
  return releaseKey(application, release)
}
