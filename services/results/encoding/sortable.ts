/**
 * Sortable texts: the order of their bytes in UTF-8 is the order of the values, nulls first. Each
 * ends with the only NUL in it, so that texts put together sort by the first that differs, and
 * come apart again.
 */

const END = '\0'
const NULL = `!${END}`
const VALUE = '"'
/** Sorts after whatever begins with a text whose `END` it takes the place of, and before all else. */
const AFTER = '\u0001'

/** @param canonical of the column's type; null for null */
export function sortable(type: string, canonical: string | null): string {
  return canonical === null ? NULL : `${VALUE}${encode(kindOf(type), canonical)}${END}`
}

/** Texts of the columns of a key, in their order. */
export function sortableKey(
  columns: readonly { readonly type: string }[],
  values: readonly (string | null)[],
): string {
  return columns.map(({ type }, index) => sortable(type, values[index] ?? null)).join('')
}

export function isNull(part: string): boolean {
  return part === NULL
}

/** What every value but null is at or after. */
export const firstValue = VALUE

/** What is just after every text that begins with this one, which ends with a whole value. */
export function afterAll(text: string): string {
  return text.slice(0, -END.length) + AFTER
}

/** What the texts of all strings begin with that begin with this one. */
export function sortablePrefix(text: string): string {
  return VALUE + escapeText(text)
}

type Kind = 'text' | 'number' | 'double'

const kinds = new Map<string, Kind>()

function kindOf(type: string): Kind {
  const known = kinds.get(type)
  if (known !== undefined) return known
  const name = type.toLowerCase()
  const isNumber = /^(tinyint|smallint|int|bigint|decimal\b.*)$/.test(name)
  const kind = name === 'double' || name === 'float' ? 'double' : isNumber ? 'number' : 'text'
  kinds.set(type, kind)
  return kind
}

function encode(kind: Kind, canonical: string): string {
  if (kind === 'number') return encodeNumber(canonical)
  return kind === 'double' ? encodeDouble(Number(canonical)) : escapeText(canonical)
}

/** The escapes keep the order: what is escaped is below all else, and NUL the least. */
function escapeText(text: string): string {
  if (!text.includes(AFTER) && !text.includes(END)) return text
  return text.replaceAll(AFTER, `${AFTER}\u0002`).replaceAll(END, AFTER + AFTER)
}

/**
 * Of whole numbers and of decimals of one scale: the sign, how many digits are before the point, the
 * digits. Of negative ones all is complemented, as more of it is less.
 */
function encodeNumber(canonical: string): string {
  const isNegative = canonical.startsWith('-')
  const start = isNegative ? 1 : 0
  const point = canonical.indexOf('.')
  const end = point < 0 ? canonical.length : point
  const whole = canonical.slice(start, end)
  const length = end - start
  const digits = `${length < 10 ? '0' : ''}${length}${whole}${canonical.slice(end + 1)}`
  return isNegative ? `-${complement(digits)}` : `0${digits}`
}

function complement(digits: string): string {
  let text = ''
  for (const digit of digits) text += 9 - Number(digit)
  return text
}

const bytes = Buffer.alloc(8)

/** The bits of an IEEE 754 number, of which negative ones are turned over; NaN is the greatest. */
function encodeDouble(value: number): string {
  bytes.writeDoubleBE(Number.isNaN(value) ? Number.NaN : value)
  const bits = bytes.readBigUInt64BE()
  const isNegative = bits >> 63n === 1n
  const ordered = isNegative ? bits ^ 0xffff_ffff_ffff_ffffn : bits ^ 0x8000_0000_0000_0000n
  return ordered.toString(16).padStart(16, '0')
}
