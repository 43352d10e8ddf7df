import type { ColumnChange } from '@kappa/applications/replay-record'
import type { ViewColumn } from '@kappa/applications/view-plan'

/** Columns that are new, gone, or of another type, in the order of the old columns, then of the new. */
export function columnChanges(
  oldColumns: readonly ViewColumn[],
  newColumns: readonly ViewColumn[],
): ColumnChange[] {
  const types = (columns: readonly ViewColumn[]) =>
    new Map(columns.map(({ name, type }) => [name, type]))
  const [old, now] = [types(oldColumns), types(newColumns)]
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((column) => ({
      column,
      old_type: old.get(column) ?? null,
      new_type: now.get(column) ?? null,
    }))
    .filter(({ old_type, new_type }) => old_type !== new_type)
}
