import type { ViewColumn } from '@kappa/applications/view-plan'
import type { RowShape } from '../answers/row-shape.ts'
import type { LoadedView } from '../loading/loaded-view.ts'

/** Texts of server-sent events (WHATWG HTML, 9.2). */
export function eventText(event: string, data: string, id?: string): string {
  const idLine = id === undefined ? '' : `id: ${id}\n`
  return `event: ${event}\n${idLine}data: ${data}\n\n`
}

/** A comment: nothing is told, and the stream is alive. */
export const signOfLife = ':\n\n'

export function rowData(key: string, shape: RowShape, row: string): string {
  return `{"key":${key},"row":${shape.json(row)}}`
}

const unquoted = /^(boolean|tinyint|smallint|int|bigint|decimal\b.*)$/i

/** The key as JSON with the types of its columns, from the texts that the changelog's key has. */
export function keyJson(
  { keyColumns }: Pick<LoadedView, 'keyColumns'>,
  values: readonly (string | null)[],
): string {
  const texts = keyColumns.map(({ type }: ViewColumn, index) => {
    const value = values[index] ?? null
    return value !== null && unquoted.test(type) ? value : JSON.stringify(value)
  })
  return `[${texts.join(',')}]`
}

/** The same of a row that has all columns. */
export function keyJsonOfRow(keyShape: RowShape, row: string): string {
  return `[${keyShape.values(row).join(',')}]`
}
