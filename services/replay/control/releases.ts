import { setTimeout as delay } from 'node:timers/promises'
import {
  type LivePointer,
  type PositionRecord,
  type ReleaseRecord,
  releaseKey,
} from '@kappa/applications/records'
import { ServiceError } from '@kappa/service/errors'
import type { ControlLog } from './control-log.ts'
import { checkTransition, mayMove } from './release-states.ts'

/** What is to be changed of a release; `undefined` takes an optional field away. */
export type ReleaseChange = {
  readonly [Field in keyof Omit<
    ReleaseRecord,
    'application' | 'release' | 'epoch' | 'updated_at' | 'created_at'
  >]?: ReleaseRecord[Field] | undefined
}

export interface ReleaseId {
  readonly application: string
  readonly release: number
}

/**
 * All releases, and the one place that changes them. Changes are made one after the other, each on
 * what the one before has committed, and are told when they are in the control log.
 */
export class Releases {
  readonly #control: ControlLog
  readonly #listeners = new Set<(record: ReleaseRecord) => void>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(control: ControlLog) {
    this.#control = control
  }

  all(): ReleaseRecord[] {
    return [...this.#control.releases.values()]
  }

  /** Newest first. */
  of(application: string): ReleaseRecord[] {
    return this.all()
      .filter((record) => record.application === application)
      .sort((a, b) => b.release - a.release)
  }

  find({ application, release }: ReleaseId): ReleaseRecord | undefined {
    return this.#control.releases.get(releaseKey(application, release))
  }

  /** @throws ServiceError `unknown_release` */
  get(id: ReleaseId): ReleaseRecord {
    const record = this.find(id)
    if (record) return record
    const known = this.of(id.application).map(({ release }) => release)
    throw new ServiceError(
      'unknown_release',
      `There is no release ${id.release} of ${id.application}; known: ${known.join(', ') || 'none'}.`,
    )
  }

  pointer(application: string): LivePointer | undefined {
    return this.#control.livePointer(application)
  }

  /** The release that readers get, in whatever state it is. */
  live(application: string): ReleaseRecord | undefined {
    const pointer = this.pointer(application)
    return pointer && this.find(pointer)
  }

  isLive({ application, release }: ReleaseId): boolean {
    return this.pointer(application)?.release === release
  }

  onChange(listener: (record: ReleaseRecord) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether no view of a release has dropped what it should have counted. */
  isComplete(id: ReleaseId): boolean {
    return Object.values(this.positions(id)).every(({ complete }) => complete)
  }

  /** How far the views of a release are, by view. */
  positions({ application, release }: ReleaseId): Record<string, PositionRecord> {
    const own = [...this.#control.positions.values()].filter(
      (position) => position.application === application && position.release === release,
    )
    return Object.fromEntries(own.map((position) => [position.view, position]))
  }

  /** Resolves when a release has changed, at the latest after `timeoutMs`, or when the signal aborts. */
  async changed(id: ReleaseId, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const unsubscribe = this.onChange(({ application, release }) => {
      if (application === id.application && release === id.release) over.abort()
    })
    const either = AbortSignal.any([signal, over.signal])
    await delay(timeoutMs, undefined, { signal: either }).catch(() => undefined)
    unsubscribe()
  }

  /** Adds a release with the next number of its application. */
  add(
    application: string,
    make: (release: number) => ReleaseRecord | Promise<ReleaseRecord>,
  ): Promise<ReleaseRecord> {
    return this.#exclusively(async () => {
      const newest = this.of(application)[0]
      const record = await make((newest?.release ?? 0) + 1)
      await this.#write([record])
      return record
    })
  }

  /**
   * Changes a release as it is when its turn comes.
   * @param change undefined leaves it as it is
   * @throws Error for a move that the life of a release does not have
   */
  update(
    id: ReleaseId,
    change: (record: ReleaseRecord) => ReleaseChange | undefined,
  ): Promise<ReleaseRecord> {
    return this.#exclusively(async () => {
      const record = this.get(id)
      const wanted = change(record)
      if (wanted === undefined) return record
      const changed = this.#changed(record, wanted)
      await this.#write([changed])
      return changed
    })
  }

  /** Moves a release if its state allows that when its turn comes; whether it did. */
  async moveIf(
    id: ReleaseId,
    from: readonly ReleaseRecord['state'][],
    change: ReleaseChange & { readonly state: ReleaseRecord['state'] },
  ): Promise<boolean> {
    let moved = false
    await this.update(id, ({ state }) => {
      moved = from.includes(state) && mayMove(state, change.state)
      return moved ? change : undefined
    })
    return moved
  }

  /** One commit: a release becomes live, others change with it, the pointer has a new epoch. */
  makeLive(
    id: ReleaseId,
    change: ReleaseChange,
    others: readonly (readonly [ReleaseId, (record: ReleaseRecord) => ReleaseChange])[] = [],
  ): Promise<LivePointer> {
    return this.#exclusively(async () => {
      const records = [
        this.#changed(this.get(id), { ...change, state: 'live' }),
        ...others.map(([other, changeOf]) => {
          const record = this.get(other)
          return this.#changed(record, changeOf(record))
        }),
      ]
      const pointer = { ...id, epoch: this.#control.nextPointerEpoch() }
      await this.#write(records, pointer)
      return pointer
    })
  }

  /**
   * Proves that no other instance has taken over, by writing what is there already.
   * @throws KafkaError `fenced`
   */
  confirm(id: ReleaseId): Promise<void> {
    return this.#exclusively(async () => {
      const record = this.find(id)
      if (record) await this.#control.writeReleases([record])
    })
  }

  #changed(record: ReleaseRecord, change: ReleaseChange): ReleaseRecord {
    const state = change.state ?? record.state
    checkTransition(record.state, state)
    const moves = state !== record.state
    const { cause, ...rest } = record
    const fields = {
      ...rest,
      ...(moves || cause === undefined ? {} : { cause }),
      ...change,
      epoch: this.#control.epoch,
      updated_at: moves ? Date.now() : record.updated_at,
    }
    return Object.fromEntries(
      Object.entries(fields).filter(([, value]) => value !== undefined),
    ) as unknown as ReleaseRecord
  }

  async #write(records: readonly ReleaseRecord[], live?: LivePointer): Promise<void> {
    await this.#control.writeReleases(records, live)
    for (const record of records) for (const listener of this.#listeners) listener(record)
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}
