import { compareBytes } from '../encoding/compare-bytes.ts'
import { sortable } from '../encoding/sortable.ts'
import type { LoadedView } from '../loading/loaded-view.ts'
import { type Bound, type Condition, holds } from './condition.ts'

/** Sortable text of the time before which rows are dropped. */
export function retentionBound(rowsFrom: string): string {
  return sortable('timestamp', rowsFrom)
}

/** Whether a row is old enough to be dropped does not wait for who removes it. */
export function isRetained(
  rowsFrom: string | undefined,
  { indexed: [time = ''] }: { readonly indexed: readonly string[] },
): boolean {
  if (rowsFrom === undefined) return true
  return holds({ lower: { value: retentionBound(rowsFrom), inclusive: true } }, time)
}

/** The conditions of a query, and that of a view that drops rows. */
export function withRetention(
  { timeColumn }: LoadedView,
  conditions: ReadonlyMap<string, Condition>,
  rowsFrom: string | undefined,
): ReadonlyMap<string, Condition> {
  if (rowsFrom === undefined || timeColumn === undefined) return conditions
  const asked = conditions.get(timeColumn.name) ?? {}
  const retained: Bound = { value: retentionBound(rowsFrom), inclusive: true }
  return new Map(conditions).set(timeColumn.name, { ...asked, lower: later(asked.lower, retained) })
}

function later(asked: Bound | undefined, retained: Bound): Bound {
  return asked !== undefined && compareBytes(asked.value, retained.value) >= 0 ? asked : retained
}
