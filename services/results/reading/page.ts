import type { Range, ScanOrder, Slot, StoredRow, ViewStore } from '@kappa/view-store/view-store'
import { compareBytes } from '../encoding/compare-bytes.ts'
import type { Answer, LoadedView } from '../loading/loaded-view.ts'
import { passesIndexed, passesKey } from '../queries/placed-conditions.ts'
import type { ViewQuery } from '../queries/view-query.ts'
import { type RowPlace, readEntries } from './read-entries.ts'

export interface Page {
  /** The rows as Spark wrote them, JSON. */
  readonly rows: readonly string[]
  /** Their keys, sortable. */
  readonly keys: readonly string[]
  /** Last entry of the index that was looked at, if there may be more after it. */
  readonly after: string | undefined
  /** Entries of the index that were looked at. */
  readonly scanned: number
}

interface Entry extends RowPlace {
  readonly member: string
  /** Not read yet where the key may leave it out. */
  readonly stored: StoredRow | undefined
}

/** Entries that one call asks of one partition. */
const entriesPerScanMax = 1_000

/**
 * Reads a page over all partitions, merged in the order of the index. It ends at the limit, at
 * the end, or when `scannedEntriesMax` entries were looked at: then with `after`, even if the
 * filters let few or no rows through.
 * @throws ServiceError `rebuilding`
 */
export async function readPage(
  store: ViewStore,
  view: LoadedView,
  answer: Answer,
  query: ViewQuery,
  scannedEntriesMax: number,
): Promise<Page> {
  const scans = view.slots.map(
    (_, partition) => new PartitionScan(store, view, answer, query, partition),
  )
  const rows: string[] = []
  const keys: string[] = []
  let scanned = 0
  let after: string | undefined
  for (;;) {
    await Promise.all(scans.map((scan) => scan.fill()))
    const candidates: Entry[] = []
    while (candidates.length < query.limit - rows.length) {
      const entry = takeFirst(scans, query.descending)
      if (!entry) break
      scanned += 1
      after = entry.member
      if (passesKey(query, entry.key)) candidates.push(entry)
      if (scanned >= scannedEntriesMax) break
    }
    const found = readsRowsAtOnce(query)
      ? candidates.map(({ stored }) => stored)
      : await readEntries(store, view, answer, candidates)
    for (const [index, stored] of found.entries()) {
      if (!stored || !passesIndexed(query, stored)) continue
      rows.push(stored.row)
      keys.push(candidates[index]?.key ?? '')
    }
    if (scans.every((scan) => scan.isDone)) return { rows, keys, after: undefined, scanned }
    if (rows.length >= query.limit || scanned >= scannedEntriesMax)
      return { rows, keys, after, scanned }
  }
}

/** Of a query that is served by no index, entries for each row that is wanted. */
const selectiveFactor = 8

/** Keys that leave rows out are looked at before any row is read. */
function readsRowsAtOnce({ ofKey }: ViewQuery): boolean {
  return ofKey.length === 0
}

/**
 * How many entries to ask a partition for at first: keys are spread evenly, so hardly any partition has
 * more of a page than two deviations above its share. One that has is asked for twice as many.
 */
function entriesAtFirst({ limit, isSelective }: ViewQuery, partitions: number): number {
  const share = limit / partitions
  const wanted = partitions === 1 ? limit : Math.min(limit, share + 2 * Math.sqrt(share) + 1)
  const entries = isSelective ? selectiveFactor * wanted : wanted
  return Math.min(Math.ceil(entries) + 1, entriesPerScanMax)
}

class PartitionScan {
  readonly #store: ViewStore
  readonly #view: LoadedView
  readonly #answer: Answer
  readonly #query: ViewQuery
  readonly #partition: number
  /** What is left to be read, in the order of reading. */
  readonly #ranges: { start: string; stop: string }[]
  #entries: Entry[] = []
  #at = 0
  /** Entries that the next call asks for. */
  #count: number

  constructor(
    store: ViewStore,
    view: LoadedView,
    answer: Answer,
    query: ViewQuery,
    partition: number,
  ) {
    this.#store = store
    this.#view = view
    this.#answer = answer
    this.#query = query
    this.#partition = partition
    const ranges = query.ranges.map((range) => ({ ...range }))
    this.#ranges = query.descending ? ranges.reverse() : ranges
    this.#count = entriesAtFirst(query, view.slots.length)
  }

  get isReady(): boolean {
    return this.first !== undefined || this.#ranges.length === 0
  }

  get isDone(): boolean {
    return this.first === undefined && this.#ranges.length === 0
  }

  get first(): Entry | undefined {
    return this.#entries[this.#at]
  }

  take(): void {
    this.#at += 1
  }

  async fill(): Promise<void> {
    while (!this.isReady) await this.#scan()
  }

  async #scan(): Promise<void> {
    const [range] = this.#ranges
    const slot = this.#view.slots[this.#partition]
    if (!range || !slot) return
    const { descending } = this.#query
    const count = this.#count
    this.#count = Math.min(2 * count, entriesPerScanMax)
    this.#entries = await this.#read(slot, range, { descending, count })
    this.#at = 0
    const last = this.#entries.at(-1)?.member
    if (last === undefined || this.#entries.length < count) this.#ranges.shift()
    else if (descending) range.stop = `(${last}`
    else range.start = `(${last}`
  }

  async #read(slot: Slot, range: Range, order: ScanOrder): Promise<Entry[]> {
    const { index } = this.#query
    const entryOf = (member: string, stored: StoredRow | undefined): Entry => ({
      member,
      key: index === 0 ? member : member.slice(member.indexOf('\0') + 1),
      partition: this.#partition,
      stored,
    })
    if (readsRowsAtOnce(this.#query)) {
      const read = await this.#store.scanRows(slot, index, range, order)
      this.#answer.check(this.#partition, read?.next)
      return (read?.found ?? []).map((found) => entryOf(found.entry, found))
    }
    const read = await this.#store.scan(slot, index, range, order)
    this.#answer.check(this.#partition, read?.next)
    return (read?.found ?? []).map((member) => entryOf(member, undefined))
  }
}

/** None where all are at their end, or where one has to be filled before the order is known. */
function takeFirst(scans: readonly PartitionScan[], descending: boolean): Entry | undefined {
  let first: PartitionScan | undefined
  for (const scan of scans) {
    if (!scan.isReady) return undefined
    if (!scan.first) continue
    const order = first?.first ? compareBytes(scan.first.member, first.first.member) : -1
    if (!first || (descending ? order > 0 : order < 0)) first = scan
  }
  const entry = first?.first
  first?.take()
  return entry
}
