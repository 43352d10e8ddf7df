import type { ViewStore } from '@kappa/view-store/view-store'
import type { LoadedView } from '../loading/loaded-view.ts'
import { rangesAfter } from '../queries/index-ranges.ts'
import { limitMax, type ViewQuery } from '../queries/view-query.ts'
import { readPage } from './page.ts'

export interface KeyedRow {
  /** Sortable. */
  readonly key: string
  readonly row: string
}

/**
 * All rows of a query in one release, live or not, part by part.
 * @param onApplied told up to where the changelog of a partition was applied where rows were read
 * @throws ServiceError `rebuilding`
 */
export async function* keyedRows(
  store: ViewStore,
  view: LoadedView,
  query: ViewQuery,
  onApplied: (partition: number, next: bigint) => void,
): AsyncGenerator<KeyedRow, undefined> {
  let { ranges } = query
  for (;;) {
    const answer = view.beginAnswer()
    const page = await readPage(
      store,
      view,
      answer,
      { ...query, ranges, limit: limitMax },
      Number.POSITIVE_INFINITY,
    )
    for (const [partition, next] of answer.applied) onApplied(partition, next)
    for (const [index, row] of page.rows.entries()) yield { key: page.keys[index] ?? '', row }
    if (page.after === undefined) return undefined
    ranges = rangesAfter(ranges, page.after, query.descending)
  }
}
