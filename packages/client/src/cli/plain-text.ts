/** What moves a terminal's cursor, or turns text around: data must not draw on it. */
const unseen = /(?![\n\t])[\p{Cc}\p{Cf}]/gu

/** Text of a service or of data, harmless on a terminal; it keeps its lines. */
export function plainText(text: string): string {
  return text.replace(unseen, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16)}}`
  })
}

/** The same in one line of at most so many characters. */
export function plainLine(text: string, charactersMax = 1_000): string {
  const line = plainText(text).replace(/\s+/g, ' ').trim()
  const characters = [...line]
  if (characters.length <= charactersMax) return line
  return `${characters.slice(0, charactersMax - 1).join('')}…`
}

/** A value of a row, as people read it: text without quotes, everything else as JSON. */
export function showValue(value: unknown, charactersMax?: number): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return plainLine(text, charactersMax)
}
