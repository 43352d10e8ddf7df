import type { RedisClient } from './redis-client.ts'

/** One partition of one view of one release: everything of it is in one hash slot. */
export interface Slot {
  readonly rows: string
  readonly keys: string
  readonly time: string
  readonly gone: string
  readonly meta: string
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
    keys: `${base}:keys`,
    time: `${base}:time`,
    gone: `${base}:gone`,
    meta: `${base}:meta`,
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
  readonly key: Buffer
  /** Time of the batch, epoch ms: an older one never replaces a newer one. */
  readonly batch: string
  /** Canonical time of the row; '' without a time column or for null. */
  readonly time: string
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
  | { readonly outcome: 'fenced' | 'elsewhere'; readonly next: bigint }
  | { readonly outcome: 'lost' }

export interface Range {
  readonly index: 'keys' | 'time'
  /** Bounds as in ZRANGE BYLEX: `-`, `+`, `[text` or `(text`. */
  readonly start: string
  readonly stop: string
  readonly descending: boolean
}

/** A row as it is stored, or undefined where there is none. */
export interface StoredRow {
  readonly time: string
  readonly row: string
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

  async claim(slot: Slot, begin: bigint): Promise<Claim> {
    const claimed = await this.#redis.kappaClaim(...keysOf(slot), String(begin))
    return { epoch: claimed[0], next: BigInt(claimed[1]), anew: claimed[2] === 1 }
  }

  /** Applies all changes, or none. */
  async apply(slot: Slot, timed: boolean, set: ChangeSet, markerMs: number): Promise<Applied> {
    const values: (string | number | Buffer)[] = keysOf(slot)
    values.push(set.epoch, String(set.from), String(set.next), timed ? 1 : 0)
    values.push(set.writtenAt - markerMs, set.writtenAt)
    for (const { key, batch, time, row } of set.changes) values.push(key, batch, time, row ?? '')
    const [outcome, detail] = await this.#redis.kappaApply(...values)
    if (outcome === 'applied') return { outcome, outdated: Number(detail) }
    if (outcome === 'lost') return { outcome }
    return { outcome: outcome as 'fenced' | 'elsewhere', next: BigInt(detail ?? 0) }
  }

  async status(slot: Slot): Promise<{ next: bigint; rows: number; epoch: string } | undefined> {
    const [next, rows, epoch] = await this.#redis.kappaStatus(...keysOf(slot))
    if (next == null || rows == null || epoch == null) return undefined
    return { next: BigInt(next), rows: Number(rows), epoch }
  }

  async scan(slot: Slot, range: Range, count: number): Promise<Read<string[]> | undefined> {
    const { index, start, stop, descending } = range
    const bounds = [index, start, stop, descending ? 1 : 0, count]
    const [next, ...found] = await this.#redis.kappaScan(...keysOf(slot), ...bounds)
    return next == null ? undefined : { next: BigInt(next), found: found as string[] }
  }

  async read(
    slot: Slot,
    keys: readonly string[],
  ): Promise<Read<(StoredRow | undefined)[]> | undefined> {
    const reply = await this.#redis.kappaRead(...keysOf(slot), ...keys)
    const [next, ...found] = reply
    return next == null ? undefined : { next: BigInt(next), found: found.map(parseStored) }
  }

  /** Sets the pointer to the live release unless a newer epoch is there; returns what is there. */
  async point(
    application: string,
    epoch: number,
    release: number,
  ): Promise<{ epoch: number; release: number }> {
    const reply = await this.#redis.kappaPoint(this.#pointerKey(application), epoch, release)
    return { epoch: Number(reply[0]), release: Number(reply[1]) }
  }

  /** Epoch of the live release's pointer; undefined when there is none. */
  async pointerEpoch(application: string): Promise<number | undefined> {
    const epoch = await this.#redis.hget(this.#pointerKey(application), 'epoch')
    return epoch === null ? undefined : Number(epoch)
  }

  #pointerKey(application: string): string {
    return `${this.#namespace}:{${application}}:live`
  }
}

function keysOf({ rows, keys, time, gone, meta }: Slot): string[] {
  return [rows, keys, time, gone, meta]
}

function parseStored(stored: string | null | undefined): StoredRow | undefined {
  if (stored == null) return undefined
  const first = stored.indexOf('|')
  const second = stored.indexOf('|', first + 1)
  if (second + 1 === stored.length) return undefined
  return { time: stored.slice(first + 1, second), row: stored.slice(second + 1) }
}
