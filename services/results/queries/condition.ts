import { compareBytes } from '../encoding/compare-bytes.ts'
import { firstValue } from '../encoding/sortable.ts'

export interface Bound {
  /** Sortable text. */
  readonly value: string
  readonly inclusive: boolean
}

/** What is wanted of one column, in sortable texts. All of it must hold; null only where it is named. */
export interface Condition {
  /** Any of these, in their order, each once. */
  readonly anyOf?: readonly string[]
  readonly lower?: Bound
  readonly upper?: Bound
  /** What the value's text begins with. */
  readonly prefix?: string
}

export function holds(condition: Condition, value: string): boolean {
  const { anyOf, lower, upper, prefix } = condition
  if (anyOf !== undefined) {
    if (!anyOf.includes(value)) return false
  } else if (!value.startsWith(firstValue)) return false
  if (prefix !== undefined && !value.startsWith(prefix)) return false
  if (lower !== undefined) {
    const order = compareBytes(value, lower.value)
    if (order < 0 || (order === 0 && !lower.inclusive)) return false
  }
  if (upper !== undefined) {
    const order = compareBytes(value, upper.value)
    if (order > 0 || (order === 0 && !upper.inclusive)) return false
  }
  return true
}
