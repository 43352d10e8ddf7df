import type { RowShape } from './row-shape.ts'

/** The first line: the names of the columns (RFC 4180). */
export function csvHeader({ columns }: RowShape): string {
  return `${columns.map(({ name }) => quoted(name)).join(',')}\r\n`
}

/** A row as a line. Null is empty, a text as it is, all else as in JSON. */
export function csvLine(shape: RowShape, row: string): string {
  return `${shape.values(row).map(csvValue).join(',')}\r\n`
}

function csvValue(json: string): string {
  if (json === 'null') return ''
  const text = json.startsWith('"') ? (JSON.parse(json) as string) : json
  // An empty text is told apart from null.
  return text === '' ? '""' : quoted(text)
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
