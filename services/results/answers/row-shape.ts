import type { ViewColumn } from '@kappa/applications/view-plan'
import { ServiceError } from '@kappa/service/errors'
import { memberTexts } from '../encoding/row-members.ts'
import type { LoadedView } from '../loading/loaded-view.ts'
import { hint } from '../queries/did-you-mean.ts'

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
  values(row: string): string[]
  /** JSON of the row; of a whole one the very text that it has. */
  json(row: string): string
}

const exactTypes = /^(bigint|decimal\b.*)$/i

const wholeRows = new WeakMap<LoadedView, RowShape>()

/** @throws ServiceError `unknown_column` */
export function rowShape(view: LoadedView, options: ShapeOptions): RowShape {
  if (options.columns !== undefined || options.numbers === 'string') return shapeOf(view, options)
  const shape = wholeRows.get(view) ?? shapeOf(view, {})
  wholeRows.set(view, shape)
  return shape
}

function shapeOf(view: LoadedView, { columns: wanted, numbers }: ShapeOptions): RowShape {
  const asText = numbers === 'string'
  const columns = wanted === undefined ? view.definition.columns : chosen(view, wanted)
  const isWhole = wanted === undefined && !asText
  const names = columns.map(({ name }) => name)
  const quoted = columns.map(({ type }) => asText && exactTypes.test(type))
  const values = (row: string): string[] =>
    memberTexts(row, names).map((text = 'null', at) =>
      quoted[at] && text !== 'null' ? `"${text}"` : text,
    )
  const jsonNames = names.map((name) => JSON.stringify(name))
  const json = (row: string): string =>
    isWhole ? row : `{${values(row).map((value, at) => `${jsonNames[at]}:${value}`)}}`
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
