import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { errorBody } from '../publishing/publish-schemas.ts'
import { decodeCursor, encodeCursor } from '../rejected/rejected-cursor.ts'
import type { RejectedEvents } from '../rejected/rejected-events.ts'
import { filterFields, readFilter } from '../rejected/rejected-filter.ts'
import {
  listEntry,
  listedRejection,
  nextCursor,
  rejectionState,
  retryable,
} from '../rejected/rejected-schemas.ts'
import type { RejectionEntry } from '../rejected/rejection-entry.ts'

const order = 'newest first'

/** `GET /v1/rejected` */
export function listRejectedRoute(http: Http, rejected: RejectedEvents): void {
  const schema = {
    summary: 'List rejected events',
    description:
      'Newest first. Everything is listed that was rejected, resubmitted or dismissed by any instance before the request. At most a configured number can be listed; when older ones are not, `truncated` says so.',
    tags: ['rejected events'],
    querystring: Type.Object(
      {
        ...filterFields,
        state: Type.Optional(rejectionState),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
        cursor: Type.Optional(Type.String({ maxLength: 2_000 })),
      },
      { additionalProperties: false },
    ),
    response: {
      200: Type.Object(
        {
          rejections: Type.Array(listedRejection),
          cursor: nextCursor,
          truncated: Type.Boolean({ description: 'There may be older ones that are not listed.' }),
          complete_since: Type.Union([Type.Integer(), Type.Null()], {
            description:
              'Epoch milliseconds from which on all are listed; null: all that are kept.',
          }),
        },
        { title: 'Rejections' },
      ),
      400: errorBody('`bad_request` or `bad_cursor`.'),
      503: retryable('`rebuilding` after a start, or `kafka_unavailable`.', 'Ask again'),
    },
  }
  http.get('/v1/rejected', { schema }, async (request) => {
    const { limit = 100, cursor, state, ...asked } = request.query
    const filter = { ...readFilter(asked), states: state === undefined ? undefined : [state] }
    const after = cursor === undefined ? undefined : decodeCursor(cursor, filter, order)
    await rejected.caughtUp()
    const { index } = rejected
    const found: RejectionEntry[] = []
    let more = false
    for (const entry of index.find(filter, order, after)) {
      more = found.length === limit
      if (more) break
      found.push(entry)
    }
    const last = found.at(-1)
    return {
      rejections: found.map(listEntry),
      cursor: more && last !== undefined ? encodeCursor(last, filter, order) : null,
      truncated: index.completeSinceMs !== undefined,
      complete_since: index.completeSinceMs ?? null,
    }
  })
}
