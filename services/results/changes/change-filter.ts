import type { Change } from '@kappa/view-store/view-store'
import { sortableParts } from '../encoding/sortable.ts'
import type { LoadedView } from '../loading/loaded-view.ts'
import { type Condition, holds } from '../queries/condition.ts'
import { type Filters, readConditions } from '../queries/read-conditions.ts'

/** Which changes of a view concern who follows it with filters. */
export interface ChangeFilter {
  /** Never true for a key at one time and false at another. */
  passesKey(key: string): boolean
  /** Whether the row is among those that the filters let through, if its key is. */
  passesRow(change: Pick<Change, 'indexed'>): boolean
}

/** @throws ServiceError `unknown_column`, `bad_filter` */
export function changeFilter(view: LoadedView, filters: Filters): ChangeFilter {
  const conditions = readConditions(view, filters)
  const ofKey = placed(view.definition.key, conditions)
  const ofIndexed = placed(
    view.indexedColumns.map(({ name }) => name),
    conditions,
  )
  return {
    passesKey(key) {
      if (ofKey.length === 0) return true
      const values = sortableParts(key)
      return ofKey.every(([position, condition]) => holds(condition, values[position] ?? ''))
    },
    passesRow({ indexed }) {
      return ofIndexed.every(([position, condition]) => holds(condition, indexed[position] ?? ''))
    },
  }
}

function placed(names: readonly string[], conditions: ReadonlyMap<string, Condition>) {
  return names.flatMap((name, position) => {
    const condition = conditions.get(name)
    return condition === undefined ? [] : [[position, condition] as const]
  })
}
