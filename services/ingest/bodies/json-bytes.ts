/** The bytes that give a JSON text its structure. */
export const quote = 0x22
export const comma = 0x2c
export const colon = 0x3a
export const openBracket = 0x5b
export const closeBracket = 0x5d
export const openBrace = 0x7b
export const closeBrace = 0x7d
const backslash = 0x5c

/** Position of the quote that ends the string that opens at `opening`; the length without one. */
export function closingQuote(json: Buffer, opening: number): number {
  for (let at = opening + 1; at < json.length; at++) {
    const byte = json[at]
    if (byte === backslash) at++
    else if (byte === quote) return at
  }
  return json.length
}

export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
