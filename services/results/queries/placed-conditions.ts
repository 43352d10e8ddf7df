import { sortableParts } from '@kappa/view-store/view-store'

import type { LoadedView } from '../loading/loaded-view.ts'
import { type Condition, holds } from './condition.ts'

export type PlacedCondition = readonly [position: number, condition: Condition]

/** Conditions by where their columns stand: in the key, and among the indexed columns. */
export interface PlacedConditions {
  readonly ofKey: readonly PlacedCondition[]
  readonly ofIndexed: readonly PlacedCondition[]
}

export function placeConditions(
  view: LoadedView,
  conditions: ReadonlyMap<string, Condition>,
): PlacedConditions {
  const placed = (names: readonly string[]): PlacedCondition[] =>
    names.flatMap((name, position) => {
      const condition = conditions.get(name)
      return condition === undefined ? [] : [[position, condition] as const]
    })
  return {
    ofKey: placed(view.definition.key),
    ofIndexed: placed(view.indexedColumns.map(({ name }) => name)),
  }
}

/** @param key sortable */
export function passesKey({ ofKey }: Pick<PlacedConditions, 'ofKey'>, key: string): boolean {
  return ofKey.length === 0 || allHold(ofKey, sortableParts(key))
}

export function passesIndexed(
  { ofIndexed }: Pick<PlacedConditions, 'ofIndexed'>,
  { indexed }: { readonly indexed: readonly string[] },
): boolean {
  return allHold(ofIndexed, indexed)
}

function allHold(conditions: readonly PlacedCondition[], values: readonly string[]): boolean {
  return conditions.every(([position, condition]) => holds(condition, values[position] ?? ''))
}
