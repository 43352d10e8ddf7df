import { ConnectionError } from './errors.ts'
import type { FollowedEvent } from './follow-view.ts'
import type { ViewMeta } from './view-answers.ts'

/** A key as events tell it: the values of the key columns in their order. */
export type RowKey = readonly (string | number | boolean | null)[]

/**
 * What one who follows a view is told. `id` says where to go on (`lastEventId`). Who stores it drops
 * it at a `snapshot`, until the next one comes: rows of a snapshot have none.
 */
export type ViewEvent<Row> =
  /** Forget what you have: all rows follow. */
  | { readonly type: 'snapshot'; readonly meta: ViewMeta }
  /** A row that is new or has changed. */
  | { readonly type: 'row'; readonly key: RowKey; readonly row: Row; readonly id?: string }
  /** There is no row of that key any more, or none that the filters let through. */
  | { readonly type: 'delete'; readonly key: RowKey; readonly id?: string }
  /** Everything up to this position has been told; also a sign of life every few seconds. */
  | { readonly type: 'current'; readonly meta: ViewMeta; readonly id?: string }
  /** Another release is live: the rows that differ follow, or a snapshot. */
  | { readonly type: 'release'; readonly from: number; readonly to: number }

/** @throws ConnectionError `no_answer` it is not JSON */
export function parseViewEvent<Row>({ type, id, data }: FollowedEvent): ViewEvent<Row> {
  const told = parseJson(data)
  const place = id === undefined ? {} : { id }
  switch (type) {
    case 'row':
      return { type, ...(told as { key: RowKey; row: Row }), ...place }
    case 'delete':
      return { type, ...(told as { key: RowKey }), ...place }
    case 'release':
      return { type, ...(told as { from: number; to: number }) }
    case 'snapshot':
      return { type, meta: told as ViewMeta }
    case 'current':
      return { type, meta: told as ViewMeta, ...place }
  }
}

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw new ConnectionError('no_answer', 'an event of the stream is not JSON', { cause })
  }
}
