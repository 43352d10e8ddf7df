import { parameterNames } from '../../view-query.ts'
import { UsageError } from '../command.ts'

/** Arguments of commands about the rows of one view. */
export const viewArguments = {
  arguments: '<application>/<view> [filter...]',
  argumentsMin: 1,
  argumentsMax: Number.POSITIVE_INFINITY,
} as const

export const filtersText = `A filter is carrier=UA for equal values (given several times: any of them), carrier.prefix=U,
hour.gte=2013-01-01, and .gt, .lt, .lte; from and to bound the time, at or after and before. Columns
of the key, the time column and ranked ones can be filtered.`

export interface ViewTarget {
  readonly application: string
  readonly view: string
  /** By parameter of the query: `carrier`, `hour.gte`, `from`. */
  readonly where: Readonly<Record<string, readonly string[]>>
}

/** @throws UsageError saying what to write */
export function readViewArguments([name = '', ...filters]: readonly string[]): ViewTarget {
  const [application = '', view = '', ...more] = name.split('/')
  if (application === '' || view === '' || more.length > 0) {
    throw new UsageError(`a view is <application>/<view>, as kappa views lists it, got "${name}"`)
  }
  const where: Record<string, string[]> = {}
  for (const filter of filters) {
    const [parameter, value] = splitFilter(filter)
    where[parameter] = [...(where[parameter] ?? []), value]
  }
  return { application, view, where }
}

function splitFilter(filter: string): [parameter: string, value: string] {
  const equals = filter.indexOf('=')
  const parameter = filter.slice(0, equals)
  if (equals < 1) {
    throw new UsageError(`a filter is carrier=UA or hour.gte=2013-01-01, got "${filter}"`)
  }
  if (parameterNames.includes(parameter)) {
    throw new UsageError(
      `"${filter}" is no filter; what is not about a column is an option: --help`,
    )
  }
  return [parameter, filter.slice(equals + 1)]
}

/** Names of columns from `a,b`. */
export function readColumns(text: string | undefined): { columns?: readonly string[] } {
  return text === undefined ? {} : { columns: text.split(',').map((name) => name.trim()) }
}
