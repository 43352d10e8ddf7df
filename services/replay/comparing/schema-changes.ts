import type { ColumnChange } from '@kappa/applications/replay-record'
import type { ViewColumn } from '@kappa/applications/view-plan'
import type { ComparedSide, ComparedSides } from './compared-side.ts'

/**
 * Columns that only one side has, or that have another type there. In the order of the old
 * release's columns, then of the new one's; whether a column can be null is no matter.
 */
export function schemaChanges(sides: ComparedSides): ColumnChange[] {
  const [before, after] = [typesOf(sides.old), typesOf(sides.new)]
  const columns = new Set([...before.keys(), ...after.keys()])
  return [...columns]
    .map((column) => ({
      column,
      old_type: before.get(column) ?? null,
      new_type: after.get(column) ?? null,
    }))
    .filter(({ old_type, new_type }) => plain(old_type) !== plain(new_type))
}

function typesOf({ view }: ComparedSide): Map<string, string> {
  return new Map(view.columns.map(({ name, type }) => [name, type]))
}

function plain(type: string | null): string | undefined {
  return type?.replaceAll(' NOT NULL', '').toLowerCase()
}

/** Why rows cannot be held against each other by their keys; undefined where they can. */
export function keyChange(sides: ComparedSides): string | undefined {
  const [before, after] = [keyText(sides.old), keyText(sides.new)]
  if (before === after) return undefined
  return `The key was (${before}) and is (${after}), so no row of the one release has a counterpart in the other. Give the view with the new key another name, or look at its rows yourself and promote with promote: manual.`
}

function keyText({ view }: ComparedSide): string {
  return keyColumns(view)
    .map(({ name, type }) => `${name} ${type.toLowerCase()}`)
    .join(', ')
}

/** @throws Error for a key column that the view does not give: a defect of ours. */
export function keyColumns(view: ComparedSide['view']): ViewColumn[] {
  return view.key.map((name) => {
    const column = view.columns.find((candidate) => candidate.name === name)
    if (!column) throw new Error(`The view gives no column for its key ${name}.`)
    return column
  })
}
