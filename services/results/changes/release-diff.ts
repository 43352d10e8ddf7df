import type { ViewStore } from '@kappa/view-store/view-store'
import { type RowShape, rowShape, type ShapeOptions } from '../answers/row-shape.ts'
import { compareBytes } from '../encoding/compare-bytes.ts'
import { sortableKey } from '../encoding/sortable.ts'
import { keyValuesOf } from '../loading/changelog-record.ts'
import type { LoadedView } from '../loading/loaded-view.ts'
import type { Filters } from '../queries/read-conditions.ts'
import { readViewQuery } from '../queries/view-query.ts'
import { type KeyedRow, keyedRows } from '../reading/keyed-rows.ts'
import { readApplied } from '../reading/read-entries.ts'
import { eventText, keyJson, keyJsonOfRow, rowData, signOfLife } from './change-events.ts'
import type { ChangeFeed } from './change-feed.ts'
import { changeFilter } from './change-filter.ts'
import { storedRow } from './stored-row.ts'

export interface ReleaseDiffParts {
  readonly store: ViewStore
  readonly old: LoadedView
  readonly now: LoadedView
  /** Next offsets of the old changelog: what the client has. */
  readonly from: readonly bigint[]
  /** Of the old view. */
  readonly feed: ChangeFeed
  readonly filters: Filters
  readonly shape: ShapeOptions
}

const recordsPerReadMax = 500
/** Equal rows are told nothing of: who waits must not take that for a broken stream. */
const silenceMsMax = 1_000

/** Whether the rows of two releases can be told apart key by key. */
export function haveSameKeys(old: LoadedView, now: LoadedView): boolean {
  const keyOf = ({ keyColumns }: LoadedView) => keyColumns.map(({ name, type }) => [name, type])
  return JSON.stringify(keyOf(old)) === JSON.stringify(keyOf(now))
}

/**
 * The events that make the rows of one release those of another: of all keys whose rows differ. Both are
 * read part by part in the order of their keys, which takes no memory.
 *
 * The old release goes on after the switch, so what Redis has of it is newer than what the client has.
 * Where a key was not touched in between, it is the same, and is compared. The keys that were touched
 * are found in the changelog, and told in any case.
 *
 * @returns next offsets of the new changelog
 * @throws ServiceError `rebuilding`; KafkaError
 */
export async function* releaseDiff(
  parts: ReleaseDiffParts,
): AsyncGenerator<string, readonly bigint[]> {
  const { store, old, now, filters, shape } = parts
  const starts = await readApplied(store, now, now.beginAnswer())
  const seen = [...parts.from]
  const noteSeen = (partition: number, next: bigint) => {
    if (next > (seen[partition] ?? 0n)) seen[partition] = next
  }
  const query = (view: LoadedView) =>
    readViewQuery(view, filters, { order: 'key', rowsFrom: view.rowsFrom() })
  const before = keyedRows(store, old, query(old), noteSeen)
  const after = keyedRows(store, now, query(now), () => undefined)
  const keyShape = rowShape(now, { columns: now.definition.key.join(',') })
  const shapes = { old: rowShape(old, shape), now: rowShape(now, shape) }
  let [left, right] = [(await before.next()).value, (await after.next()).value]
  let toldAt = Date.now()
  while (left !== undefined || right !== undefined) {
    if (Date.now() - toldAt > silenceMsMax) {
      yield signOfLife
      toldAt = Date.now()
    }
    const order = orderOf(left, right)
    if (right !== undefined && order > 0) yield rowEvent(right, keyShape, shapes.now)
    else if (left !== undefined && order < 0) yield deleteEvent(keyJsonOfRow(keyShape, left.row))
    else if (left !== undefined && right !== undefined) {
      const isSame = shapes.old.json(left.row) === shapes.now.json(right.row)
      if (!isSame) yield rowEvent(right, keyShape, shapes.now)
    }
    if (order <= 0) left = (await before.next()).value
    if (order >= 0) right = (await after.next()).value
  }
  yield* touched(parts, seen, shapes.now)
  return starts
}

/** What the new release has of the keys that the old one has touched since the client's offsets. */
async function* touched(
  { store, old, now, from, feed, filters }: ReleaseDiffParts,
  seen: readonly bigint[],
  shape: RowShape,
): AsyncGenerator<string> {
  const filter = changeFilter(now, filters)
  for (const [partition, end] of seen.entries()) {
    let next = from[partition] ?? 0n
    while (next < end) {
      const read = await feed.read(partition, next, recordsPerReadMax)
      if (read.next <= next) break
      for (const record of read.records) {
        if (record.offset >= end) break
        const values = keyValuesOf(record, old)
        const key = sortableKey(now.keyColumns, values)
        if (!filter.passesKey(key)) continue
        const stored = await storedRow(store, now, record, key)
        const json = keyJson(now, values)
        yield stored && filter.passesRow(stored)
          ? eventText('row', rowData(json, shape, stored.row))
          : deleteEvent(json)
      }
      next = read.next
    }
  }
}

function orderOf(left: KeyedRow | undefined, right: KeyedRow | undefined): number {
  if (left === undefined) return 1
  if (right === undefined) return -1
  return compareBytes(left.key, right.key)
}

function rowEvent({ row }: KeyedRow, keyShape: RowShape, shape: RowShape): string {
  return eventText('row', rowData(keyJsonOfRow(keyShape, row), shape, row))
}

function deleteEvent(key: string): string {
  return eventText('delete', `{"key":${key}}`)
}
