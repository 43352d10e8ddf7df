import { ServiceError } from '@kappa/service/errors'
import type { LoadedView } from '../loading/loaded-view.ts'
import type { Filters } from './read-conditions.ts'
import { limitMax, readViewQuery, type ViewQuery } from './view-query.ts'

export interface CountQueries {
  /** By an index whose ranges hold nothing else, where there is one. */
  readonly query: ViewQuery
  /** One that is served by an index while Redis has no row that is to be dropped. */
  readonly withoutOldRows: ViewQuery | undefined
}

/**
 * The queries that count the rows which pass the filters.
 * @throws ServiceError as `readViewQuery`
 */
export function countQueries(
  view: LoadedView,
  filters: Filters,
  rowsFrom: string | undefined,
): CountQueries {
  const queries = queriesOf(view, filters, rowsFrom)
  const [first] = queries
  if (!first) throw new Error('there is always the key')
  const query = queries.find(({ isServed }) => isServed) ?? first
  return {
    query,
    withoutOldRows:
      query.isServed || rowsFrom === undefined
        ? undefined
        : queriesOf(view, filters, undefined).find(({ isServed }) => isServed),
  }
}

function queriesOf(view: LoadedView, filters: Filters, rowsFrom: string | undefined): ViewQuery[] {
  const orders = ['key', ...view.indexedColumns.map(({ name }) => name)]
  return orders.map((order) => readViewQuery(view, filters, { order, limit: limitMax, rowsFrom }))
}

export function tooMany(view: LoadedView, entriesMax: number): ServiceError {
  return new ServiceError(
    'count_too_large',
    `No index of ${view.application}/${view.name} has just these rows, and more than ${entriesMax} entries would have to be looked at. Filter by the first columns of the key (${view.definition.key.join(', ')}), by the time, or by one column that is \`ranked\`; in a view with \`retain\`, repeat the request when old rows are removed.`,
  )
}
