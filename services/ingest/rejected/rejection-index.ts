import type { IncomingRecord } from '@kappa/kafka/port'
import {
  applyChange,
  newEntry,
  type RejectionEntry,
  type RejectionState,
  stateOf,
} from './rejection-entry.ts'
import { describeRecord } from './rejection-record.ts'

export interface RejectionFilter {
  readonly topic?: string | undefined
  readonly code?: string | undefined
  /** Any of these; left out: all. */
  readonly states?: readonly RejectionState[] | undefined
  /** Epoch milliseconds of receipt, inclusive. */
  readonly fromMs?: number | undefined
  /** Epoch milliseconds of receipt, exclusive. */
  readonly toMs?: number | undefined
}

/** A place in the order of the index. */
export type Place = Pick<RejectionEntry, 'receivedAtMs' | 'id'>

/** What is known of rejections without their payloads: in memory, bounded, made from the topic. */
export class RejectionIndex {
  /** Records that are not ours, or of a later format. */
  unusable = 0
  readonly #entriesMax: number
  readonly #byId = new Map<string, RejectionEntry>()
  /** By time of receipt, then id; in order unless `#unordered`. */
  #entries: RejectionEntry[] = []
  #unordered = false
  #completeSinceMs: number | undefined

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  /** Epoch milliseconds from which on every rejection is known; undefined: all that Kafka has. */
  get completeSinceMs(): number | undefined {
    return this.#completeSinceMs
  }

  get(id: string): RejectionEntry | undefined {
    return this.#byId.get(id)
  }

  [Symbol.iterator](): Iterator<RejectionEntry> {
    return this.#entries.values()
  }

  /** A record that was read twice, or that a retry doubled in the log, changes nothing. */
  take(record: IncomingRecord): void {
    const about = describeRecord(record)
    if (about === undefined) {
      this.unusable++
      return
    }
    const id = record.key?.toString('utf8') ?? ''
    const known = this.#byId.get(id)
    if (about.type === 'rejected') {
      if (known === undefined) this.#add(newEntry(id, about, record.partition, record.offset))
      return
    }
    // What it is about was dropped already.
    if (known === undefined || record.offset <= (known.changes.at(-1) ?? known.offset)) return
    applyChange(known, about, record.offset)
  }

  /** What came before is not known. */
  incompleteBefore(epochMs: number): void {
    this.#completeSinceMs = Math.max(this.#completeSinceMs ?? epochMs, epochMs)
  }

  /**
   * The entries that match, in order from `after` (exclusive), as long as the caller asks for more.
   * Do not wait between them: taking a record changes the order.
   */
  *find(
    filter: RejectionFilter,
    order: 'newest first' | 'oldest first',
    after?: Place,
  ): Generator<RejectionEntry, void> {
    this.#sort()
    const entries = this.#entries
    if (order === 'oldest first') {
      for (let at = after === undefined ? 0 : this.#rank(after, true); at < entries.length; at++) {
        const entry = entries[at] as RejectionEntry
        if (matches(entry, filter)) yield entry
      }
      return
    }
    const start = after === undefined ? entries.length : this.#rank(after, false)
    for (let at = start - 1; at >= 0; at--) {
      const entry = entries[at] as RejectionEntry
      if (matches(entry, filter)) yield entry
    }
  }

  /** Forgets what Kafka has deleted or is about to: what is older, or before its partition's begin. */
  forget(olderThanMs: number, begins: ReadonlyMap<number, bigint>): void {
    const gone = (entry: RejectionEntry) =>
      entry.receivedAtMs < olderThanMs || entry.offset < (begins.get(entry.partition) ?? 0n)
    if (!this.#entries.some(gone)) return
    for (const entry of this.#entries) if (gone(entry)) this.#byId.delete(entry.id)
    this.#entries = this.#entries.filter((entry) => !gone(entry))
  }

  clear(): void {
    this.#byId.clear()
    this.#entries = []
    this.#unordered = false
    this.#completeSinceMs = undefined
  }

  #add(entry: RejectionEntry): void {
    const last = this.#entries.at(-1)
    if (last !== undefined && compare(last, entry) > 0) this.#unordered = true
    this.#entries.push(entry)
    this.#byId.set(entry.id, entry)
    if (this.#entries.length <= this.#entriesMax) return
    this.#sort()
    // A hundredth at once: moving all that stay for each that goes would cost more.
    const dropped = this.#entries.splice(0, Math.max(1, Math.floor(this.#entriesMax / 100)))
    for (const { id } of dropped) this.#byId.delete(id)
    this.incompleteBefore((dropped.at(-1)?.receivedAtMs ?? 0) + 1)
  }

  #sort(): void {
    if (!this.#unordered) return
    this.#entries.sort(compare)
    this.#unordered = false
  }

  /** How many entries come before the place, itself included if `inclusive`. */
  #rank(place: Place, inclusive: boolean): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const order = compare(this.#entries[middle] as RejectionEntry, place)
      if (order < 0 || (inclusive && order === 0)) low = middle + 1
      else high = middle
    }
    return low
  }
}

function matches(entry: RejectionEntry, filter: RejectionFilter): boolean {
  const { topic, code, states, fromMs, toMs } = filter
  return (
    (topic === undefined || entry.topic === topic) &&
    (code === undefined || entry.code === code) &&
    (fromMs === undefined || entry.receivedAtMs >= fromMs) &&
    (toMs === undefined || entry.receivedAtMs < toMs) &&
    (states === undefined || states.includes(stateOf(entry)))
  )
}

function compare(one: Place, other: Place): number {
  if (one.receivedAtMs !== other.receivedAtMs) return one.receivedAtMs - other.receivedAtMs
  if (one.id === other.id) return 0
  return one.id < other.id ? -1 : 1
}
