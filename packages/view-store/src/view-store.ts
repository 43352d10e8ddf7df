import type { RedisClient } from './redis-client.ts'

/** One partition of one view of one release: everything of it is in one hash slot. */
export interface Slot {
  readonly rows: string
  readonly gone: string
  readonly meta: string
  /** The index of the keys; the others are named alike. */
  readonly index0: string
}

export function slotOf(
  namespace: string,
  application: string,
  release: number,
  view: string,
  partition: number,
): Slot {
  const base = `${namespace}:{${application}/${release}/${view}/${partition}}`
  return {
    rows: `${base}:rows`,
    gone: `${base}:gone`,
    meta: `${base}:meta`,
    index0: `${base}:index0`,
  }
}

export interface Claim {
  /** Fences every earlier owner of the partition. */
  readonly epoch: string
  readonly next: bigint
  /** Nothing (or not everything) was there: the partition starts again from the beginning. */
  readonly anew: boolean
}

export interface Change {
  /** Sortable text. */
  readonly key: string
  /** Time of the batch, epoch ms: an older one never replaces a newer one. */
  readonly batch: string
  /** Sortable texts, each ending with the only NUL in it; of a deleted row nobody looks at them. */
  readonly indexed: readonly string[]
  /** null deletes. */
  readonly row: Buffer | null
}

export interface ChangeSet {
  readonly epoch: string
  /** Where reading went on after what was applied before; compaction leaves gaps after it. */
  readonly from: bigint
  /** Offset after the last record. */
  readonly next: bigint
  /** Newest time of the records in the changelog, epoch ms. */
  readonly writtenAt: number
  readonly changes: readonly Change[]
}

export type Applied =
  | { readonly outcome: 'applied'; readonly outdated: number }
  | { readonly outcome: 'fenced' | 'elsewhere' | 'frozen'; readonly next: bigint }
  | { readonly outcome: 'lost' }

/** What became of a freeze or an unfreeze; only `done` has changed anything. */
export type Freezing =
  /** `next` is what is applied at that instant. */
  | { readonly outcome: 'done'; readonly next: bigint }
  /** A replay with this newer epoch was here. */
  | { readonly outcome: 'fenced'; readonly by: number }
  /** Not intact: nothing of it is read or written, and rebuilt it will not be frozen. */
  | { readonly outcome: 'lost' }

export interface SlotStatus {
  readonly next: bigint
  readonly rows: number
  readonly epoch: string
  readonly frozen: boolean
}

/** The release that readers get, for every instance. */
export interface Pointer {
  readonly epoch: number
  readonly release: number
}

export interface Range {
  /** Bounds as in ZRANGE BYLEX: `-`, `+`, `[text` or `(text`. */
  readonly start: string
  readonly stop: string
}

/** A row as it is stored. */
export interface StoredRow {
  readonly indexed: readonly string[]
  /** The bytes that the changelog had. */
  readonly row: Buffer
}

/** `next` is the offset up to which the changelog was applied when this was read. */
export interface Read<T> {
  readonly next: bigint
  readonly found: T
}

/** Rows of views in Redis. Every method is one call to one slot; undefined means: not intact. */
export class ViewStore {
  readonly #redis: RedisClient
  readonly #namespace: string

  constructor(redis: RedisClient, namespace: string) {
    this.#redis = redis
    this.#namespace = namespace
  }

  /**
   * @param fence the oldest that a replay may still use: none before it may freeze the slot
   * @param indexed columns by which rows are indexed on top of their key, at most `indexedMax`
   */
  async claim(slot: Slot, begin: bigint, fence: number, indexed: number): Promise<Claim> {
    const claimed = await this.#redis.kappaClaim(...keysOf(slot), String(begin), fence, indexed)
    return { epoch: claimed[0], next: BigInt(claimed[1]), anew: claimed[2] === 1 }
  }

  /** Applies all changes, or none. Each has as many indexed values as the slot was claimed with. */
  async apply(slot: Slot, set: ChangeSet, markerMs: number): Promise<Applied> {
    const values: (string | number | Buffer)[] = keysOf(slot)
    values.push(set.epoch, String(set.from), String(set.next))
    values.push(set.writtenAt - markerMs, set.writtenAt)
    for (const { key, batch, indexed, row } of set.changes) {
      values.push(key, batch, row ?? '', ...indexed)
    }
    const [outcome, detail] = await this.#redis.kappaApply(...values)
    if (outcome === 'applied') return { outcome, outdated: Number(detail) }
    if (outcome === 'lost') return { outcome }
    return { outcome: outcome as 'fenced' | 'elsewhere' | 'frozen', next: BigInt(detail ?? 0) }
  }

  /** A frozen slot takes no changes and stays readable. Again with the same fence: tells `next`. */
  freeze(slot: Slot, fence: number): Promise<Freezing> {
    return this.#setFrozen(slot, fence, 1)
  }

  /** One that is not frozen stays so. */
  unfreeze(slot: Slot, fence: number): Promise<Freezing> {
    return this.#setFrozen(slot, fence, 0)
  }

  async status(slot: Slot): Promise<SlotStatus | undefined> {
    const [next, rows, epoch, frozen] = await this.#redis.kappaStatus(...keysOf(slot))
    if (next == null || rows == null || epoch == null) return undefined
    return { next: BigInt(next), rows: Number(rows), epoch, frozen: frozen === '1' }
  }

  /** @param index which of the slot's, from 0 */
  async scan(
    slot: Slot,
    index: number,
    { start, stop }: Range,
    { descending, count }: { readonly descending: boolean; readonly count: number },
  ): Promise<Read<string[]> | undefined> {
    const bounds = [index, start, stop, descending ? 1 : 0, count]
    const [next, ...found] = await this.#redis.kappaScan(...keysOf(slot), ...bounds)
    return next == null ? undefined : { next: BigInt(next), found: found as string[] }
  }

  /** How many entries of an index are in the ranges, which have none in common. */
  async count(
    slot: Slot,
    index: number,
    ranges: readonly Range[],
  ): Promise<Read<number> | undefined> {
    const bounds = ranges.flatMap(({ start, stop }) => [start, stop])
    const [next, total = 0] = await this.#redis.kappaCount(...keysOf(slot), index, ...bounds)
    return next == null ? undefined : { next: BigInt(next), found: total }
  }

  async read(
    slot: Slot,
    keys: readonly string[],
  ): Promise<Read<(StoredRow | undefined)[]> | undefined> {
    const [next, ...found] = await this.#redis.kappaReadBuffer(...keysOf(slot), ...keys)
    return next == null ? undefined : { next: BigInt(String(next)), found: found.map(parseStored) }
  }

  /** Sets the pointer to the live release unless a newer epoch is there; returns what is there. */
  async point(application: string, epoch: number, release: number): Promise<Pointer> {
    const reply = await this.#redis.kappaPoint(this.#pointerKey(application), epoch, release)
    return { epoch: Number(reply[0]), release: Number(reply[1]) }
  }

  /**
   * The pointer to the live release, and for each of the views the position that clients were told
   * last, whatever the release.
   */
  async pointer(
    application: string,
    views: readonly string[] = [],
  ): Promise<{ pointer: Pointer | undefined; told: (string | undefined)[] }> {
    const fields = ['epoch', 'release', ...views.map(toldField)]
    const [epoch, release, ...told] = await this.#redis.hmget(
      this.#pointerKey(application),
      ...fields,
    )
    return {
      pointer: epoch == null ? undefined : { epoch: Number(epoch), release: Number(release) },
      told: told.map((text) => text ?? undefined),
    }
  }

  /**
   * Notes the position that clients are about to be told of a view, if `before` is still the one
   * that is there. Returns what is there now.
   */
  tell(
    application: string,
    view: string,
    before: string | undefined,
    position: string,
  ): Promise<string> {
    const key = this.#pointerKey(application)
    return this.#redis.kappaTell(key, toldField(view), before ?? '', position)
  }

  async #setFrozen(slot: Slot, fence: number, frozen: 0 | 1): Promise<Freezing> {
    const [outcome, detail] = await this.#redis.kappaFreeze(...keysOf(slot), fence, frozen)
    if (outcome === 'done') return { outcome, next: BigInt(detail ?? 0) }
    if (outcome === 'fenced') return { outcome, by: Number(detail) }
    return { outcome: 'lost' }
  }

  #pointerKey(application: string): string {
    return `${this.#namespace}:{${application}}:live`
  }
}

function toldField(view: string): string {
  return `told:${view}`
}

function keysOf({ rows, gone, meta, index0 }: Slot): string[] {
  return [rows, gone, meta, index0]
}

const separator = '|'.charCodeAt(0)

function parseStored(stored: Buffer | null | undefined): StoredRow | undefined {
  if (stored == null) return undefined
  const first = stored.indexOf(separator)
  const second = stored.indexOf(separator, first + 1)
  const indexed: string[] = []
  let at = second + 1
  if (second > first + 1) {
    for (const length of stored.toString('latin1', first + 1, second).split(',')) {
      indexed.push(stored.toString('utf8', at, at + Number(length)))
      at += Number(length)
    }
  }
  return at === stored.length ? undefined : { indexed, row: stored.subarray(at) }
}
