import type { RedisClient } from './redis-client.ts'
import { nextField } from './scripts.ts'

/** One partition of one view of one release: everything of it is in one hash slot. */
export interface Slot {
  readonly rows: string
  readonly gone: string
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
  /** JSON object, as the changelog has it; null deletes. */
  readonly row: string | null
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
  /** Sortable text: rows whose first indexed value is before it, or null, are dropped. */
  readonly dropBefore?: string | undefined
}

export type Applied =
  | { readonly outcome: 'applied'; readonly outdated: number; readonly dropped: number }
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

export interface PointerRead {
  readonly pointer: Pointer | undefined
  readonly told: readonly (string | undefined)[]
}

export interface Range {
  /** Bounds as in ZRANGE BYLEX: `-`, `+`, `[text` or `(text`. */
  readonly start: string
  readonly stop: string
}

/** A row as it is stored. */
export interface StoredRow {
  readonly indexed: readonly string[]
  /** JSON object, as the changelog has it. */
  readonly row: string
}

export interface ScanOrder {
  readonly descending: boolean
  /** Of entries, at most. */
  readonly count: number
}

/** A row as an index leads to it. */
export interface IndexedRow extends StoredRow {
  /** What the index has: `<indexed value><key>`, or the key alone. */
  readonly entry: string
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
  /** Of this turn of the event loop. */
  readonly #pointerReads = new Map<string, Promise<PointerRead>>()

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
    const values: (string | number)[] = keysOf(slot)
    values.push(set.epoch, String(set.from), String(set.next))
    values.push(set.writtenAt - markerMs, set.writtenAt, set.dropBefore ?? '')
    const { newest, outdated } = newestOfEach(set.changes)
    for (const { key, batch, indexed, row } of newest) {
      values.push(key, storedText(batch, indexed, row))
      for (const value of indexed) values.push(value + key)
    }
    const [outcome, detail, dropped] = await this.#redis.kappaApply(...values)
    if (outcome === 'applied')
      return { outcome, outdated: outdated + Number(detail), dropped: Number(dropped) }
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
    range: Range,
    order: ScanOrder,
  ): Promise<Read<string[]> | undefined> {
    const reply = await this.#scan(slot, index, range, order, 0)
    const next = reply[0]
    return next == null ? undefined : { next: BigInt(next), found: reply.slice(1) as string[] }
  }

  /** As `scan`, with the rows. */
  async scanRows(
    slot: Slot,
    index: number,
    range: Range,
    order: ScanOrder,
  ): Promise<Read<IndexedRow[]> | undefined> {
    const reply = await this.#scan(slot, index, range, order, 1)
    const next = reply[0]
    if (next == null) return undefined
    return { next: BigInt(next), found: indexedRows(reply[1] ?? '') }
  }

  #scan(
    slot: Slot,
    index: number,
    { start, stop }: Range,
    { descending, count }: ScanOrder,
    withRows: 0 | 1,
  ): Promise<(string | null)[]> {
    const asked = [index, start, stop, descending ? 1 : 0, count, withRows]
    return this.#redis.kappaScan(...keysOf(slot), ...asked)
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
    const [next, ...found] = await this.#redis.hmget(slot.rows, nextField, ...keys)
    return next == null ? undefined : { next: BigInt(next), found: found.map(parseStored) }
  }

  async readOne(slot: Slot, key: string): Promise<Read<StoredRow | undefined> | undefined> {
    const reply = await this.#redis.hmget(slot.rows, nextField, key)
    const [next, stored] = reply
    return next == null ? undefined : { next: BigInt(next), found: parseStored(stored ?? null) }
  }

  /** Sets the pointer to the live release unless a newer epoch is there; returns what is there. */
  async point(application: string, epoch: number, release: number): Promise<Pointer> {
    const reply = await this.#redis.kappaPoint(this.#pointerKey(application), epoch, release)
    return { epoch: Number(reply[0]), release: Number(reply[1]) }
  }

  /** Whether `pointer` is read after what the same turn has asked before; not over several nodes. */
  get readsPointerLast(): boolean {
    return this.#redis.sendAtLast !== undefined
  }

  /**
   * The pointer to the live release, and for each of the views the position that clients were told
   * last, whatever the release. Read after everything that this turn of the event loop asks, once for
   * all who ask for it.
   */
  pointer(application: string, views: readonly string[] = []): Promise<PointerRead> {
    if (this.#redis.sendAtLast === undefined) return this.#readPointer(application, views)
    const asked = `${application}/${views}`
    const reading = this.#pointerReads.get(asked)
    if (reading !== undefined) return reading
    const read = Promise.withResolvers<PointerRead>()
    this.#pointerReads.set(asked, read.promise)
    this.#redis.sendAtLast(() => {
      this.#pointerReads.delete(asked)
      read.resolve(this.#readPointer(application, views))
    })
    return read.promise
  }

  async #readPointer(application: string, views: readonly string[]): Promise<PointerRead> {
    const fields = ['epoch', 'release', ...views.map(toldField)]
    const reply = await this.#redis.hmget(this.#pointerKey(application), ...fields)
    const [epoch, release] = reply
    return {
      pointer: epoch == null ? undefined : { epoch: Number(epoch), release: Number(release) },
      told: views.map((_, index) => reply[index + 2] ?? undefined),
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

  /**
   * Notes for all instances that the rows of a release are not kept for now; who notes it first counts.
   * @param key of the release
   */
  async refuse(key: string, bytes: number): Promise<void> {
    await this.#redis.hsetnx(this.#refusedKey, key, bytes)
  }

  async allow(key: string): Promise<void> {
    await this.#redis.hdel(this.#refusedKey, key)
  }

  /** By key of the release, the bytes that its rows are taken to need. */
  async refused(): Promise<Map<string, number>> {
    const noted = await this.#redis.hgetall(this.#refusedKey)
    return new Map(Object.entries(noted).map(([key, bytes]) => [key, Number(bytes)]))
  }

  get #refusedKey(): string {
    return `${this.#namespace}:refused`
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

function keysOf({ rows, gone, index0 }: Slot): string[] {
  return [rows, gone, index0]
}

/** The last change of each key that no newer batch has been before, and how many one has. */
function newestOfEach(changes: readonly Change[]): { newest: Iterable<Change>; outdated: number } {
  const newest = new Map<string, Change>()
  let outdated = 0
  for (const change of changes) {
    const before = newest.get(change.key)
    if (before !== undefined && Number(change.batch) < Number(before.batch)) outdated += 1
    else newest.set(change.key, change)
  }
  return { newest: newest.values(), outdated }
}

function storedText(batch: string, indexed: readonly string[], row: string | null): string {
  return row === null ? `${batch}|` : `${batch}|${indexed.join('')}${row}`
}

function parseStored(stored: string | null): StoredRow | undefined {
  if (stored === null || stored.endsWith('|')) return undefined
  const values = stored.indexOf('|') + 1
  const row = Math.max(values, stored.lastIndexOf('\0') + 1)
  return { indexed: sortableParts(stored.slice(values, row)), row: stored.slice(row) }
}

function indexedRows(text: string): IndexedRow[] {
  const rows: IndexedRow[] = []
  for (let at = 0; at < text.length; ) {
    const entryEnd = text.indexOf(betweenTexts, at) + 1
    const storedEnd = text.indexOf(betweenTexts, entryEnd + 1)
    const stored = parseStored(text.slice(entryEnd + 1, storedEnd))
    if (stored) rows.push({ entry: text.slice(at, entryEnd), ...stored })
    at = storedEnd + betweenTexts.length
  }
  return rows
}

const betweenTexts = '\0\0'

/** The texts, each ending with the only NUL in it, that a text is put together of. */
export function sortableParts(text: string): string[] {
  const parts: string[] = []
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\0', at) + 1
    parts.push(text.slice(at, end))
    at = end
  }
  return parts
}
