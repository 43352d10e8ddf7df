import { csvHeader, csvLine } from './csv.ts'
import type { RowShape } from './row-shape.ts'

export interface RowsPart {
  readonly page: { readonly rows: readonly string[] }
  readonly shape: RowShape
  /** To go on with, if there may be more. */
  readonly cursor: string | undefined
}

/**
 * Rows as lines, read part by part as they are taken: of any size in bounded memory.
 * @param next reads the part after a cursor; what it throws cuts the answer off
 */
export async function* rowLines(
  media: 'ndjson' | 'csv',
  first: RowsPart,
  rowsMax: number,
  next: (cursor: string, rowsLeft: number) => Promise<RowsPart>,
): AsyncGenerator<string> {
  if (media === 'csv') yield csvHeader(first.shape)
  let part = first
  let left = rowsMax
  for (;;) {
    if (part.page.rows.length > 0) yield linesOf(media, part)
    left -= part.page.rows.length
    if (part.cursor === undefined || left <= 0) return
    part = await next(part.cursor, left)
  }
}

function linesOf(media: 'ndjson' | 'csv', { page, shape }: RowsPart): string {
  if (media === 'csv') return page.rows.map((row) => csvLine(shape, row)).join('')
  return page.rows.map((row) => `${shape.json(row)}\n`).join('')
}
