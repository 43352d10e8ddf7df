import type { ViewColumn } from '@kappa/applications/view-plan'
import { canonicalDate, canonicalTimestamp } from './timestamp.ts'

const integerBounds: Readonly<Record<string, readonly [bigint, bigint]>> = {
  tinyint: [-128n, 127n],
  smallint: [-32_768n, 32_767n],
  int: [-2_147_483_648n, 2_147_483_647n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
}

export type CanonicalValue = { readonly value: string } | { readonly wanted: string }

/**
 * Brings a value of a query into the one text that its column's type has for it: that of the
 * changelog's keys. `wanted` says what would have been right.
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
  if (type === 'double' || type === 'float') return canonicalDouble(text)
  const bounds = integerBounds[type]
  if (bounds) return canonicalInteger(text, bounds)
  const decimal = /^decimal\((\d+),\s*(\d+)\)$/.exec(type)
  if (decimal) return canonicalDecimal(text, Number(decimal[1]), Number(decimal[2]))
  return { wanted: `a type that can be looked up; ${column.type} has no canonical text` }
}

function canonicalInteger(text: string, [min, max]: readonly [bigint, bigint]): CanonicalValue {
  // Nearly all: two digits are in a tinyint's bounds, nine in an int's, 18 in a bigint's.
  const digits = max > 2_147_483_647n ? 18 : max > 32_767n ? 9 : 2
  if (text.length <= digits && /^(0|-?[1-9]\d*)$/.test(text)) return { value: text }
  const value = /^[+-]?\d{1,30}$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined
  return value === undefined || value < min || value > max
    ? { wanted: `a whole number from ${min} to ${max}` }
    : { value: String(value) }
}

/** Java writes decimals far from 1 with an exponent. */
function movePoint(before: string, after: string, by: number): [before: string, after: string] {
  if (by >= 0) {
    const padded = after.padEnd(by, '0')
    return [before + padded.slice(0, by), padded.slice(by)]
  }
  const padded = before.padStart(1 - by, '0')
  return [padded.slice(0, by), padded.slice(by) + after]
}

function canonicalDecimal(text: string, precision: number, scale: number): CanonicalValue {
  const wanted = {
    wanted: `a decimal with at most ${precision - scale} digits before the point and ${scale} after it`,
  }
  const match = /^([+-]?)(\d{1,60})(?:\.(\d{1,60}))?(?:e([+-]?\d{1,2}))?$/i.exec(text)
  if (!match) return wanted
  const [, sign, digitsBefore = '', digitsAfter = '', exponent = '0'] = match
  const [whole, given] = movePoint(digitsBefore, digitsAfter, Number(exponent))
  const fraction = given.replace(/0+$/, '')
  const integer = whole.replace(/^0+(?=\d)/, '')
  const integerDigits = integer === '0' ? 0 : integer.length
  if (fraction.length > scale || integerDigits > precision - scale) return wanted
  const digits = scale === 0 ? integer : `${integer}.${fraction.padEnd(scale, '0')}`
  return { value: sign === '-' && /[1-9]/.test(digits) ? `-${digits}` : digits }
}

/** Spark writes what is no number as these texts. */
const notFinite = new Set(['NaN', 'Infinity', '-Infinity'])

function canonicalDouble(text: string): CanonicalValue {
  if (notFinite.has(text)) return { value: text }
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN
  // There is one zero.
  return Number.isFinite(value) ? { value: String(value + 0) } : { wanted: 'a number' }
}
