import { ServiceError } from '@kappa/service/errors'
import type { LoadedView } from '../loading/loaded-view.ts'
import type { Filters } from './read-conditions.ts'
import { limitMax, readViewQuery, type ViewQuery } from './view-query.ts'

/**
 * The query that counts the rows which pass the filters: by an index whose ranges hold nothing else,
 * where there is one.
 * @throws ServiceError as `readViewQuery`
 */
export function countQuery(view: LoadedView, filters: Filters): ViewQuery {
  const orders = ['key', ...view.indexedColumns.map(({ name }) => name)]
  const queries = orders.map((order) => readViewQuery(view, filters, { order, limit: limitMax }))
  const [first] = queries
  if (!first) throw new Error('there is always the key')
  return queries.find(({ isServed }) => isServed) ?? first
}

export function tooMany(view: LoadedView, entriesMax: number): ServiceError {
  return new ServiceError(
    'count_too_large',
    `No index of ${view.application}/${view.name} has just these rows, and more than ${entriesMax} entries would have to be looked at. Filter by the first columns of the key (${view.definition.key.join(', ')}), by the time, or by one column that is \`ranked\`.`,
  )
}
