import {
  closeBrace,
  closeBracket,
  closingQuote,
  colon,
  comma,
  isSpace,
  openBrace,
  openBracket,
  quote,
} from './json-bytes.ts'

/** Start (inclusive) and end (exclusive) of a part of a JSON text, in bytes. */
export type Span = readonly [start: number, end: number]

interface Item {
  /** Of the member's name, quotes included; undefined for elements of an array. */
  readonly key: Span | undefined
  readonly value: Span
}

/**
 * Where each element of an array stands in its text. A parsed value does not remember its bytes,
 * and writing it again would lose digits of large numbers.
 *
 * @param json valid JSON of an array, as UTF-8
 */
export function elementSpans(json: Buffer): Span[] {
  return items(json).map(({ value }) => value)
}

/**
 * The bytes of a member's value, the last one of that name as `JSON.parse` has it.
 * @param json valid JSON of an object, as UTF-8
 */
export function memberBytes(json: Buffer, name: string): Buffer | undefined {
  const found = items(json).findLast(
    ({ key }) => key !== undefined && JSON.parse(json.toString('utf8', ...key)) === name,
  )
  return found === undefined ? undefined : json.subarray(...found.value)
}

/** The outermost elements or members, in their order. */
function items(json: Buffer): Item[] {
  const found: Item[] = []
  let depth = 0
  let start = 0
  let key: Span | undefined
  const add = (end: number) => {
    const value = trim(json, start, end)
    if (value[0] < value[1]) found.push({ key, value })
    start = end + 1
    key = undefined
  }
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === quote) {
      at = closingQuote(json, at)
    } else if (byte === openBracket || byte === openBrace) {
      depth++
      if (depth === 1) start = at + 1
    } else if (byte === closeBracket || byte === closeBrace) {
      depth--
      if (depth === 0) add(at)
    } else if (depth === 1 && byte === comma) {
      add(at)
    } else if (depth === 1 && byte === colon) {
      key = trim(json, start, at)
      start = at + 1
    }
  }
  return found
}

function trim(json: Buffer, from: number, to: number): Span {
  let start = from
  let end = to
  while (start < end && isSpace(json[start])) start++
  while (end > start && isSpace(json[end - 1])) end--
  return [start, end]
}
