import type { Change } from '@kappa/view-store/view-store'
import type { LoadedView } from '../loading/loaded-view.ts'
import { passesIndexed, passesKey, placeConditions } from '../queries/placed-conditions.ts'
import { type Filters, readConditions } from '../queries/read-conditions.ts'
import { isRetained } from '../queries/retention.ts'

/** Which changes of a view concern who follows it with filters. */
export interface ChangeFilter {
  /** Never true for a key at one time and false at another. */
  passesKey(key: string): boolean
  /** Whether the row is among those that the view keeps and the filters let through, if its key is. */
  passesRow(change: Pick<Change, 'indexed'>): boolean
}

/** @throws ServiceError `unknown_column`, `bad_filter` */
export function changeFilter(view: LoadedView, filters: Filters): ChangeFilter {
  const placed = placeConditions(view, readConditions(view, filters))
  return {
    passesKey: (key) => passesKey(placed, key),
    passesRow: (row) => passesIndexed(placed, row) && isRetained(view.rowsFrom(), row),
  }
}
