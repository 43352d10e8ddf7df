import type { ViewColumn } from '@kappa/applications/view-plan'
import { ServiceError } from '@kappa/service/errors'
import { canonicalValue } from '../encoding/canonical-value.ts'
import { compareBytes } from '../encoding/compare-bytes.ts'
import { sortable, sortablePrefix } from '../encoding/sortable.ts'
import type { LoadedView } from '../loading/loaded-view.ts'
import type { Bound, Condition } from './condition.ts'
import { hint } from './did-you-mean.ts'
import { requireTimeColumn } from './time-column.ts'

/** By parameter as it is in the query string: a column, `<column>.<operator>`, `from` or `to`. */
export type Filters = Readonly<Record<string, unknown>>

const operators = ['gt', 'gte', 'lt', 'lte', 'prefix'] as const
type Operator = (typeof operators)[number]

/** As many as one parameter may be given; they all are looked at for each entry. */
const valuesMax = 100
const shownMax = 100

/**
 * What is wanted of each column, in the order of the view's columns.
 * @throws ServiceError `unknown_column`, `bad_filter`
 */
export function readConditions(view: LoadedView, filters: Filters): ReadonlyMap<string, Condition> {
  const found = new Map<string, Condition>()
  for (const [parameter, given] of Object.entries(filters)) {
    if (given === undefined) continue
    const { column, operator } = target(view, parameter)
    const known = found.get(column.name) ?? {}
    const more = conditionOf(column, parameter, operator, given)
    if (Object.keys(more).some((part) => part in known)) {
      throw new ServiceError(
        'bad_filter',
        `"${parameter}" bounds ${column.name}, and so does another parameter; give one of them.`,
      )
    }
    found.set(column.name, { ...known, ...more })
  }
  const { columns } = view.definition
  return new Map(
    columns.flatMap(({ name }) => {
      const condition = found.get(name)
      return condition === undefined ? [] : [[name, condition] as const]
    }),
  )
}

function target(view: LoadedView, parameter: string): { column: ViewColumn; operator?: Operator } {
  const usable = [...view.keyColumns, ...view.indexedColumns]
  const whole = usable.find(({ name }) => name === parameter)
  if (whole) return { column: whole }
  if (parameter === 'from') return { column: requireTimeColumn(view, parameter), operator: 'gte' }
  if (parameter === 'to') return { column: requireTimeColumn(view, parameter), operator: 'lt' }
  const dot = parameter.lastIndexOf('.')
  const name = dot < 0 ? parameter : parameter.slice(0, dot)
  const column = usable.find((candidate) => candidate.name === name)
  if (dot < 0 || column === undefined) throw unknownColumn(view, name)
  const operator = operators.find((candidate) => candidate === parameter.slice(dot + 1))
  if (operator) return { column, operator }
  throw new ServiceError(
    'bad_filter',
    `"${parameter}" has no such operator; there are ${operators.map((each) => `${name}.${each}`).join(', ')}, and ${name} alone for equal values.`,
  )
}

function conditionOf(
  column: ViewColumn,
  parameter: string,
  operator: Operator | undefined,
  given: unknown,
): Condition {
  const texts = (Array.isArray(given) ? given : [given]).map(String)
  if (texts.length > valuesMax) {
    throw new ServiceError('bad_filter', `"${parameter}" has more than ${valuesMax} values.`)
  }
  if (operator === undefined) {
    const values = texts.map((text) => sortableOf(column, parameter, text))
    return { anyOf: [...new Set(values)].sort(compareBytes) }
  }
  const [text = ''] = texts
  if (texts.length > 1) {
    throw new ServiceError('bad_filter', `"${parameter}" is given more than once.`)
  }
  if (operator === 'prefix') {
    if (column.type.toLowerCase() === 'string') return { prefix: sortablePrefix(text) }
    throw new ServiceError(
      'bad_filter',
      `"${parameter}" needs a column of text; ${column.name} is of type ${column.type}.`,
    )
  }
  const bound: Bound = {
    value: sortableOf(column, parameter, text),
    inclusive: operator === 'gte' || operator === 'lte',
  }
  return operator.startsWith('g') ? { lower: bound } : { upper: bound }
}

function sortableOf(column: ViewColumn, parameter: string, text: string): string {
  const result = canonicalValue(column, text)
  if ('value' in result) return sortable(column.type, result.value)
  throw new ServiceError(
    'bad_filter',
    `"${parameter}" is "${text.slice(0, shownMax)}"; the column ${column.name} is of type ${column.type} and takes ${result.wanted}.`,
  )
}

function unknownColumn(view: LoadedView, name: string): ServiceError {
  const { key, columns } = view.definition
  const names = columns.map((column) => column.name)
  const usable = [...new Set([...key, ...view.indexedColumns.map((column) => column.name)])]
  const can = `The view can be filtered by ${usable.join(', ')}${view.timeColumn ? ', and by from and to' : ''}.`
  const what = names.includes(name)
    ? `The column "${name}" of ${view.application}/${view.name} is neither in the key nor indexed; add it to \`ranked\` of the view in application.yaml.`
    : `${view.application}/${view.name} has no column "${name}". ${hint(name, usable)}`
  return new ServiceError('unknown_column', `${what} ${can}`)
}
