/** Columns, from 0, whose cells stand at the right: figures. */
export interface TableOptions {
  readonly right?: readonly number[]
}

/** Rows as aligned columns; the first row is the header. */
export function formatTable(
  rows: readonly (readonly string[])[],
  { right = [] }: TableOptions = {},
): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, cell.length)
    }
  }
  const align = (cell: string, index: number) => {
    const width = widths[index] ?? 0
    return right.includes(index) ? cell.padStart(width) : cell.padEnd(width)
  }
  return rows.map((row) => `${row.map(align).join('  ').trimEnd()}\n`).join('')
}
