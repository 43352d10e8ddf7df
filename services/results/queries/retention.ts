import { sortable } from '../encoding/sortable.ts'
import type { LoadedView } from '../loading/loaded-view.ts'
import { type Bound, type Condition, holds } from './condition.ts'

/** What the time of a row must hold in a view that drops old rows; undefined where all are kept. */
function retentionOf(view: LoadedView): Condition | undefined {
  const from = view.rowsFrom()
  if (from === undefined) return undefined
  return { lower: { value: sortable('timestamp', from), inclusive: true } }
}

/** Whether a row is old enough to be dropped does not wait for who drops it. */
export function isRetained(
  view: LoadedView,
  { indexed: [time = ''] }: { readonly indexed: readonly string[] },
): boolean {
  const retention = retentionOf(view)
  return retention === undefined || holds(retention, time)
}

/** The conditions of a query, and that of the view. */
export function withRetention(
  view: LoadedView,
  conditions: ReadonlyMap<string, Condition>,
): ReadonlyMap<string, Condition> {
  const { lower } = retentionOf(view) ?? {}
  const { timeColumn } = view
  if (lower === undefined || timeColumn === undefined) return conditions
  const asked = conditions.get(timeColumn.name) ?? {}
  return new Map(conditions).set(timeColumn.name, { ...asked, lower: later(asked.lower, lower) })
}

function later(asked: Bound | undefined, retained: Bound): Bound {
  return asked !== undefined && asked.value >= retained.value ? asked : retained
}
