import type { StoredRow, ViewStore } from '@kappa/view-store/view-store'
import { decodeKey } from './key.ts'
import type { Answer, LoadedView } from './loaded-view.ts'
import type { ViewQuery } from './view-query.ts'

export interface Page {
  /** The rows as Spark wrote them, JSON. */
  readonly rows: readonly string[]
  /** Last entry of the index that was looked at, if there may be more after it. */
  readonly after: string | undefined
}

interface Entry {
  readonly member: string
  readonly bytes: Buffer
  readonly partition: number
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
  let scanned = 0
  let after: string | undefined
  for (;;) {
    await Promise.all(scans.map((scan) => scan.fill()))
    const candidates: Entry[] = []
    // Beyond an empty buffer the order is not known.
    while (scans.every((scan) => scan.isReady) && candidates.length < query.limit - rows.length) {
      const entry = takeFirst(scans, query.range.descending)
      if (!entry) break
      scanned += 1
      after = entry.member
      if (passesKey(query, keyOf(entry.member))) candidates.push(entry)
      if (scanned >= scannedEntriesMax) break
    }
    for (const stored of await readRows(store, view, answer, candidates)) {
      if (stored && passesTime(query, stored)) rows.push(stored.row)
    }
    if (scans.every((scan) => scan.isDone)) return { rows, after: undefined }
    if (rows.length >= query.limit || scanned >= scannedEntriesMax) return { rows, after }
  }
}

class PartitionScan {
  readonly #store: ViewStore
  readonly #view: LoadedView
  readonly #answer: Answer
  readonly #query: ViewQuery
  readonly #partition: number
  #entries: Entry[] = []
  #at = 0
  #start: string
  #stop: string
  #exhausted = false

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
    this.#start = query.range.start
    this.#stop = query.range.stop
  }

  get isReady(): boolean {
    return this.first !== undefined || this.#exhausted
  }

  get isDone(): boolean {
    return this.first === undefined && this.#exhausted
  }

  get first(): Entry | undefined {
    return this.#entries[this.#at]
  }

  take(): void {
    this.#at += 1
  }

  async fill(): Promise<void> {
    if (this.isReady) return
    const { range, limit, keyFilters, time } = this.#query
    const filtered = keyFilters.length > 0 || (time !== undefined && range.index === 'keys')
    const count = filtered ? entriesPerScanMax : Math.min(limit + 1, entriesPerScanMax)
    const slot = this.#view.slots[this.#partition]
    if (!slot) return
    const read = await this.#store.scan(
      slot,
      { ...range, start: this.#start, stop: this.#stop },
      count,
    )
    this.#answer.check(this.#partition, read?.next)
    const members = read?.found ?? []
    this.#entries = members.map((member) => ({
      member,
      bytes: Buffer.from(member),
      partition: this.#partition,
    }))
    this.#at = 0
    this.#exhausted = members.length < count
    const last = members.at(-1)
    if (last === undefined) return
    if (range.descending) this.#stop = `(${last}`
    else this.#start = `(${last}`
  }
}

/** Redis orders by bytes; JavaScript's order of texts is another beyond the BMP. */
function takeFirst(scans: readonly PartitionScan[], descending: boolean): Entry | undefined {
  let first: PartitionScan | undefined
  for (const scan of scans) {
    if (!scan.first) continue
    const order = first?.first ? scan.first.bytes.compare(first.first.bytes) : -1
    if (!first || (descending ? order > 0 : order < 0)) first = scan
  }
  const entry = first?.first
  first?.take()
  return entry
}

async function readRows(
  store: ViewStore,
  view: LoadedView,
  answer: Answer,
  entries: readonly Entry[],
): Promise<(StoredRow | undefined)[]> {
  const rows = new Array<StoredRow | undefined>(entries.length)
  await Promise.all(
    view.slots.map(async (slot, partition) => {
      const positions = [...entries.keys()].filter((i) => entries[i]?.partition === partition)
      if (positions.length === 0) return
      const keys = positions.map((i) => keyOf(entries[i]?.member ?? ''))
      const read = await store.read(slot, keys)
      answer.check(partition, read?.next)
      for (const [at, position] of positions.entries()) rows[position] = read?.found[at]
    }),
  )
  return rows
}

/** An entry of the time index is the time (which has no bracket), then the key. */
function keyOf(member: string): string {
  return member.slice(member.indexOf('['))
}

function passesKey(query: ViewQuery, key: string): boolean {
  if (query.keyFilters.length === 0) return true
  const values = decodeKey(key)
  return query.keyFilters.every(({ index, value }) => values[index] === value)
}

function passesTime({ time }: ViewQuery, { time: at }: StoredRow): boolean {
  if (!time) return true
  if (at === '') return false
  return (time.from === undefined || at >= time.from) && (time.to === undefined || at < time.to)
}
