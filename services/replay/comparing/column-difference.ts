import { quoteName } from '@kappa/applications/spark-sql'
import type { ColumnType } from '@kappa/spark-connect/schema'
import { holdsFloating, holdsMap, isFloating, isNumeric } from './column-types.ts'

/** Sums of doubles depend on their order in the last digits; see DECIMAL for more. */
export const toleranceByDefault = 1e-9

/**
 * SQL condition (never null) of whether two values of one type are the same. Floating numbers,
 * also those inside of structs, arrays and maps, may differ by `tolerance` times the greater of
 * their absolute values; NaN is the same as NaN, an infinity as itself. Maps have no order.
 *
 * @param a SQL expression of the one value; as it is repeated, it should cost nothing
 */
export function sameValue(
  type: ColumnType,
  a: string,
  b: string,
  tolerance: number,
  depth = 0,
): string {
  if (!holdsFloating(type) && !holdsMap(type)) return `${a} <=> ${b}`
  if (isFloating(type)) return closeTo(a, b, tolerance)
  const inner = (part: ColumnType, x: string, y: string) =>
    sameValue(part, x, y, tolerance, depth + 1)
  const [x, y, same] = [`x${depth}`, `y${depth}`, `same${depth}`]
  switch (type.kind) {
    case 'struct': {
      const fields = type.fields.map(({ name, dataType }) => {
        const field = quoteName(name)
        return `(${inner(dataType, `${a}.${field}`, `${b}.${field}`)})`
      })
      return unlessNull(a, b, fields.join(' AND '))
    }
    case 'array': {
      const pairs = `zip_with(${a}, ${b}, (${x}, ${y}) -> ${inner(type.element, x, y)})`
      return unlessNull(a, b, `size(${a}) = size(${b}) AND forall(${pairs}, ${same} -> ${same})`)
    }
    case 'map': {
      const keys = `array_sort(map_keys(${a})) = array_sort(map_keys(${b}))`
      const values = inner(type.value, `${a}[${x}]`, `${b}[${x}]`)
      return unlessNull(a, b, `${keys} AND forall(map_keys(${a}), ${x} -> ${values})`)
    }
    default:
      return `${a} <=> ${b}`
  }
}

/**
 * The same for a column whose type has changed: numbers as numbers, anything else by its text.
 */
export function sameRetypedValue(
  types: { old: ColumnType; new: ColumnType },
  a: string,
  b: string,
  tolerance: number,
): string {
  if (!isNumeric(types.old) || !isNumeric(types.new)) {
    return `CAST(${a} AS STRING) <=> CAST(${b} AS STRING)`
  }
  const floating = isFloating(types.old) || isFloating(types.new)
  return floating ? closeTo(a, b, tolerance) : `${a} <=> ${b}`
}

function closeTo(left: string, right: string, tolerance: number): string {
  const [a, b] = [`CAST(${left} AS DOUBLE)`, `CAST(${right} AS DOUBLE)`]
  // NaN is the greatest of all numbers to Spark, so this keeps out NaN and both infinities.
  const finite = `greatest(abs(${a}), abs(${b})) < CAST('Infinity' AS DOUBLE)`
  const close = `abs(${a} - ${b}) <= ${tolerance}D * greatest(abs(${a}), abs(${b}))`
  // greatest ignores nulls, a difference with one is null.
  return `(${a} <=> ${b} OR coalesce(${finite} AND ${close}, false))`
}

function unlessNull(a: string, b: string, same: string): string {
  return `CASE WHEN ${a} IS NULL OR ${b} IS NULL THEN ${a} IS NULL AND ${b} IS NULL ELSE ${same} END`
}
