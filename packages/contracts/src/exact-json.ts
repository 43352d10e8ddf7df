type JsonReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

const exact: JsonReviver = (_key, part, { source }) =>
  Number.isInteger(part) && !Number.isSafeInteger(part) && /^-?\d+$/.test(source ?? '')
    ? BigInt(source ?? '')
    : part

/**
 * Parses JSON; whole numbers that a double cannot hold become bigint (defaults of longs).
 *
 * @throws SyntaxError, as JSON.parse does.
 */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, exact as Parameters<typeof JSON.parse>[1]) as unknown
}

/** Whether arrays and objects are nested in more than `levels` levels, however deep they are. */
export function isDeeperThan(levels: number, text: string): boolean {
  let depth = 0
  let inText = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (inText) {
      if (code === backslash) index++
      else if (code === quote) inText = false
    } else if (code === quote) {
      inText = true
    } else if (code === openBrace || code === openBracket) {
      if (++depth > levels) return true
    } else if (code === closeBrace || code === closeBracket) {
      depth--
    }
  }
  return false
}

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
