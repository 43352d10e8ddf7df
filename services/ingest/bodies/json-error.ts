export interface JsonErrorPlace {
  /** What stands there, for example `unexpected "}"` or `unexpected end`. */
  readonly what: string
  /** 1-based. */
  readonly line: number
  /** 1-based, in characters. */
  readonly column: number
}

type Expected =
  | 'value'
  | 'value or end'
  | 'key'
  | 'key or end'
  | 'colon'
  | 'comma or end'
  | 'nothing'

/**
 * Where a text stops being JSON (RFC 8259). `JSON.parse` tells it only for some errors, so the text
 * is scanned once more; without recursion, because the text may be nested a million deep.
 */
export function locateJsonError(text: string): JsonErrorPlace {
  const position = scan(text)
  const before = text.slice(0, position)
  const lineStart = before.lastIndexOf('\n') + 1
  const character = String.fromCodePoint(text.codePointAt(position) ?? 0)
  return {
    what: position >= text.length ? 'unexpected end' : `unexpected ${JSON.stringify(character)}`,
    line: lineStart === 0 ? 1 : before.split('\n').length,
    column: position - lineStart + 1,
  }
}

/** Position of the first character that cannot stand there; the text's length when it ends too soon. */
function scan(text: string): number {
  const open: ('{' | '[')[] = []
  let expected: Expected = 'value'
  let at = 0
  for (;;) {
    at = skipSpace(text, at)
    const character = text[at]
    if (character === undefined) return at
    const closes = open.at(-1) === '{' ? '}' : ']'
    if (expected.endsWith('or end') && open.length > 0 && character === closes) {
      open.pop()
      expected = open.length === 0 ? 'nothing' : 'comma or end'
      at++
    } else if (expected === 'comma or end' && character === ',') {
      expected = open.at(-1) === '{' ? 'key' : 'value'
      at++
    } else if (expected === 'colon' && character === ':') {
      expected = 'value'
      at++
    } else if ((expected === 'key' || expected === 'key or end') && character === '"') {
      const end = skipString(text, at)
      if (end < 0) return ~end
      expected = 'colon'
      at = end
    } else if (expected === 'value' || expected === 'value or end') {
      if (character === '{' || character === '[') {
        open.push(character)
        expected = character === '{' ? 'key or end' : 'value or end'
        at++
        continue
      }
      const end = character === '"' ? skipString(text, at) : skipWord(text, at)
      if (end < 0) return ~end
      expected = open.length === 0 ? 'nothing' : 'comma or end'
      at = end
    } else {
      return at
    }
  }
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return at
}

/** Position after the string, or `~position` of what is wrong in it. */
function skipString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at + 1
    if (code < 0x20) return ~at
    if (code !== 0x5c) continue
    at++
    const escaped = text[at]
    if (escaped === undefined) break
    if (escaped === 'u') {
      for (let digit = 1; digit <= 4; digit++) {
        if (!/[0-9a-f]/i.test(text[at + digit] ?? '')) return ~Math.min(at + digit, text.length)
      }
      at += 4
    } else if (!'"\\/bfnrt'.includes(escaped)) {
      return ~at
    }
  }
  return ~text.length
}

const wordLengthMax = 1_000

/** Position after a number, true, false or null, or `~position` of what is wrong in it. */
function skipWord(text: string, from: number): number {
  const word = /^[-+.\w]*/.exec(text.slice(from, from + wordLengthMax))?.[0] ?? ''
  if (/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?)$/i.test(word)) {
    const literal = /^[a-z]/i.test(word)
    return literal && word !== word.toLowerCase() ? ~from : from + word.length
  }
  const mayGoOn = /^-?(?:(?:0|[1-9]\d*)(?:\.\d*|(?:\.\d+)?e[+-]?)?)?$/i.test(word)
  return from + word.length >= text.length && mayGoOn ? ~text.length : ~from
}
