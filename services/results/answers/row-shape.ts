import type { ViewColumn } from '@kappa/applications/view-plan'
import { ServiceError } from '@kappa/service/errors'
import type { LoadedView } from '../loading/loaded-view.ts'
import { hint } from '../queries/did-you-mean.ts'
import { rowMembers } from './row-members.ts'

export interface ShapeOptions {
  /** Names of columns, separated by commas. */
  readonly columns?: string
  /** `string`: numbers that do not fit a double as texts. */
  readonly numbers?: 'number' | 'string'
}

/** How the rows of an answer are written: which columns, in which order, with which numbers. */
export interface RowShape {
  readonly columns: readonly ViewColumn[]
  /** JSON of the columns' values, in their order; `null` for one that the row lacks. */
  values(row: Buffer): string[]
  /** JSON of the row; of a whole one the very bytes that it has. */
  json(row: Buffer): Buffer
}

const exactTypes = /^(bigint|decimal\b.*)$/i

/** @throws ServiceError `unknown_column` */
export function rowShape(view: LoadedView, { columns: wanted, numbers }: ShapeOptions): RowShape {
  const asText = numbers === 'string'
  const columns = wanted === undefined ? view.definition.columns : chosen(view, wanted)
  const isWhole = wanted === undefined && !asText
  const values = (row: Buffer): string[] => {
    const members = new Map(rowMembers(row.toString()).map(({ name, json }) => [name, json]))
    return columns.map(({ name, type }) => {
      const json = members.get(name) ?? 'null'
      return asText && json !== 'null' && exactTypes.test(type) ? `"${json}"` : json
    })
  }
  const names = columns.map(({ name }) => JSON.stringify(name))
  const json = (row: Buffer): Buffer =>
    isWhole ? row : Buffer.from(`{${values(row).map((value, at) => `${names[at]}:${value}`)}}`)
  return { columns, values, json }
}

function chosen(view: LoadedView, wanted: string): ViewColumn[] {
  return wanted.split(',').map((name) => {
    const column = view.definition.columns.find((candidate) => candidate.name === name)
    if (column) return column
    const names = view.definition.columns.map((candidate) => candidate.name)
    throw new ServiceError(
      'unknown_column',
      `"columns" names "${name}", which ${view.application}/${view.name} does not have. ${hint(name, names)}`,
    )
  })
}
