export interface Token {
  /** Upper case for words; quoted identifiers and strings keep their quotes. */
  readonly text: string
  readonly kind: 'word' | 'string' | 'quoted' | 'symbol'
  /** From 1. */
  readonly line: number
}

const pattern =
  /(?<comment>--[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*")|(?<quoted>`(?:[^`]|``)*`)|(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<symbol>[^\s])/g

/** Splits SQL into words, literals and symbols, without comments. Enough to find function names, not a parser. */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = []
  let line = 1
  let scannedTo = 0
  for (const match of sql.matchAll(pattern)) {
    line += countLines(sql.slice(scannedTo, match.index))
    const { comment, string, quoted, word } = match.groups ?? {}
    const text = match[0]
    if (comment === undefined) {
      const kind =
        word !== undefined
          ? 'word'
          : string !== undefined
            ? 'string'
            : quoted !== undefined
              ? 'quoted'
              : 'symbol'
      tokens.push({ text: kind === 'word' ? text.toUpperCase() : text, kind, line })
    }
    line += countLines(text)
    scannedTo = match.index + text.length
  }
  return tokens
}

function countLines(text: string): number {
  return text.split('\n').length - 1
}
