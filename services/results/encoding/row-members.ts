/**
 * Rows taken apart without reading their values: so no number loses a digit, and nobody waits for what
 * is not asked for. A row is a JSON object that Spark has written, without spaces between its parts.
 */

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/**
 * The JSON texts of the columns with these names, in the order of the names; undefined for one that the
 * row lacks.
 * @throws SyntaxError for a row that ends too early
 */
export function memberTexts(row: string, names: readonly string[]): (string | undefined)[] {
  const texts = new Array<string | undefined>(names.length)
  let missing = names.length
  let at = row.indexOf('{') + 1
  while (missing > 0 && row.charCodeAt(at) === QUOTE) {
    const nameEnd = endOfText(row, at)
    const valueEnd = endOfValue(row, nameEnd + 1)
    const name = nameIn(row, at, nameEnd)
    for (let place = names.indexOf(name); place >= 0; place = names.indexOf(name, place + 1)) {
      texts[place] = row.slice(nameEnd + 1, valueEnd)
      missing -= 1
    }
    // The comma, or the brace at the end.
    at = valueEnd + 1
  }
  return texts
}

function nameIn(row: string, start: number, end: number): string {
  const name = row.slice(start + 1, end - 1)
  return name.includes('\\') ? JSON.parse(row.slice(start, end)) : name
}

/** @param at of the opening quote; returns what is after the closing one */
function endOfText(json: string, at: number): number {
  for (let quote = json.indexOf('"', at + 1); quote >= 0; quote = json.indexOf('"', quote + 1)) {
    let before = quote
    while (json.charCodeAt(before - 1) === BACKSLASH) before -= 1
    if ((quote - before) % 2 === 0) return quote + 1
  }
  throw new SyntaxError('a text without an end')
}

function endOfValue(json: string, start: number): number {
  let depth = 0
  for (let at = start; at < json.length; at += 1) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) at = endOfText(json, at) - 1
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1
    else if (depth > 0) {
      if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1
    } else if (code === COMMA || code === CLOSE_BRACE) return at
  }
  throw new SyntaxError('a value without an end')
}
