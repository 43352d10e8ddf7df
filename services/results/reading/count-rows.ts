import type { ViewStore } from '@kappa/view-store/view-store'
import type { Answer, LoadedView } from '../loading/loaded-view.ts'
import { type CountQueries, tooMany } from '../queries/count-query.ts'
import { rangesAfter } from '../queries/index-ranges.ts'
import { retentionBound } from '../queries/retention.ts'
import { limitMax, type ViewQuery } from '../queries/view-query.ts'
import { readPage } from './page.ts'

/**
 * How many rows pass a query's filters: as the index tells, or one by one.
 * @throws ServiceError `rebuilding`, `count_too_large`
 */
export async function countRows(
  store: ViewStore,
  view: LoadedView,
  answer: Answer,
  { query, withoutOldRows }: CountQueries,
  scannedEntriesMax: number,
): Promise<number> {
  if (query.isServed) return countEntries(store, view, answer, query)
  if (withoutOldRows !== undefined && (await hasNoOldRows(store, view, answer))) {
    return countEntries(store, view, answer, withoutOldRows)
  }
  let total = 0
  let scanned = 0
  let { ranges } = query
  for (;;) {
    const left = scannedEntriesMax - scanned
    if (left <= 0) throw tooMany(view, scannedEntriesMax)
    const page = await readPage(store, view, answer, { ...query, ranges, limit: limitMax }, left)
    total += page.rows.length
    scanned += page.scanned
    if (page.after === undefined) return total
    ranges = rangesAfter(ranges, page.after, query.descending)
  }
}

async function hasNoOldRows(store: ViewStore, view: LoadedView, answer: Answer): Promise<boolean> {
  const { rowsFrom } = answer
  if (rowsFrom === undefined) return true
  const ranges = [{ start: '-', stop: `(${retentionBound(rowsFrom)}` }]
  // The time is the first column that rows are indexed by.
  return (await countEntries(store, view, answer, { index: 1, ranges })) === 0
}

async function countEntries(
  store: ViewStore,
  view: LoadedView,
  answer: Answer,
  { index, ranges }: Pick<ViewQuery, 'index' | 'ranges'>,
): Promise<number> {
  const counts = await Promise.all(
    view.slots.map(async (slot, partition) => {
      const read = await store.count(slot, index, ranges)
      answer.check(partition, read?.next)
      return read?.found ?? 0
    }),
  )
  return counts.reduce((total, count) => total + count, 0)
}
