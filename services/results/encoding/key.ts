import type { ViewColumn } from '@kappa/applications/view-plan'
import { canonicalDate, canonicalTimestamp } from './timestamp.ts'

/**
 * The changelog's key: a JSON array of the view's key columns, each as a JSON string or null, in
 * the very bytes that Spark writes (`to_json` by Jackson): the partition and the row are found by
 * these bytes.
 */
export function encodeKey(values: readonly (string | null)[]): string {
  return `[${values.map(encodeValue).join(',')}]`
}

/** What every key begins with whose first columns have these values. */
export function encodeKeyPrefix(values: readonly string[]): string {
  return `[${values.map(encodeValue).join(',')}`
}

/** The values of a key that Spark wrote. */
export function decodeKey(key: string): (string | null)[] {
  return JSON.parse(key) as (string | null)[]
}

// Jackson writes control characters without a short form in upper-case hex, JSON.stringify in lower.
function encodeValue(value: string | null): string {
  return JSON.stringify(value).replace(/(?<!\\)((?:\\\\)*)\\u([0-9a-f]{4})/g, upperCaseEscape)
}

function upperCaseEscape(_match: string, backslashes: string, hex: string): string {
  return `${backslashes}\\u${hex.toUpperCase()}`
}

const integerBounds: Readonly<Record<string, readonly [bigint, bigint]>> = {
  tinyint: [-128n, 127n],
  smallint: [-32_768n, 32_767n],
  int: [-2_147_483_648n, 2_147_483_647n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
}

export type CanonicalValue = { readonly value: string } | { readonly wanted: string }

/**
 * Brings a value of a query into the text that the changelog's keys have for the column's type.
 * `wanted` says what would have been right.
 */
export function canonicalValue(column: ViewColumn, text: string): CanonicalValue {
  const type = column.type.toLowerCase()
  if (type === 'string') return { value: text }
  if (type === 'boolean') {
    const lower = text.toLowerCase()
    return lower === 'true' || lower === 'false' ? { value: lower } : { wanted: 'true or false' }
  }
  if (type === 'timestamp') {
    const value = canonicalTimestamp(text)
    return value
      ? { value }
      : { wanted: 'a timestamp in ISO 8601 such as 2013-01-01T05:00:00Z, or a date' }
  }
  if (type === 'date') {
    const value = canonicalDate(text)
    return value ? { value } : { wanted: 'a date such as 2013-01-01' }
  }
  const bounds = integerBounds[type]
  if (bounds) return canonicalInteger(text, bounds)
  const decimal = /^decimal\((\d+),\s*(\d+)\)$/.exec(type)
  if (decimal) return canonicalDecimal(text, Number(decimal[1]), Number(decimal[2]))
  return { wanted: `a type that can be looked up; ${column.type} has no canonical text` }
}

function canonicalInteger(text: string, [min, max]: readonly [bigint, bigint]): CanonicalValue {
  const wanted = { wanted: `a whole number from ${min} to ${max}` }
  if (!/^[+-]?\d{1,30}$/.test(text)) return wanted
  const value = BigInt(text.replace(/^\+/, ''))
  return value < min || value > max ? wanted : { value: String(value) }
}

function canonicalDecimal(text: string, precision: number, scale: number): CanonicalValue {
  const wanted = {
    wanted: `a decimal with at most ${precision - scale} digits before the point and ${scale} after it`,
  }
  const match = /^([+-]?)(\d{1,60})(?:\.(\d{1,60}))?$/.exec(text)
  if (!match) return wanted
  const [, sign, whole = '', given = ''] = match
  const fraction = given.replace(/0+$/, '')
  const integer = whole.replace(/^0+(?=\d)/, '')
  const integerDigits = integer === '0' ? 0 : integer.length
  if (fraction.length > scale || integerDigits > precision - scale) return wanted
  const digits = scale === 0 ? integer : `${integer}.${fraction.padEnd(scale, '0')}`
  return { value: sign === '-' && /[1-9]/.test(digits) ? `-${digits}` : digits }
}
