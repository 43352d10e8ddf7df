import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { clientOf } from '../client-address.ts'
import { errorBody } from '../publishing/publish-schemas.ts'
import { selectOpen } from '../rejected/open-selection.ts'
import type { RejectedEvents } from '../rejected/rejected-events.ts'
import { dismissManyBody, nextCursor, remaining, retryable } from '../rejected/rejected-schemas.ts'

/** `POST /v1/rejected/dismiss` */
export function dismissManyRejectedRoute(
  http: Http,
  rejected: RejectedEvents,
  clientHeader: string | undefined,
): void {
  const schema = {
    summary: 'Dismiss all rejected events that match',
    description:
      'The open ones, oldest first, up to a configured number; go on with `cursor` until it is null.',
    tags: ['rejected events'],
    body: dismissManyBody,
    response: {
      200: Type.Object(
        { dismissed: Type.Integer(), remaining, cursor: nextCursor },
        { title: 'DismissedMany' },
      ),
      400: errorBody('`bad_request`, `bad_cursor` or `malformed_json`.'),
      408: errorBody('`request_timeout`: the body did not arrive in time.'),
      413: errorBody('`body_too_large`.'),
      415: errorBody('`unsupported_media_type`: send JSON.'),
      429: retryable('`too_many_requests`.', 'Send the request again'),
      503: retryable(
        '`rebuilding` after a start, `kafka_unavailable`, `outcome_unknown` or `stopping`.',
        'Send the same request again',
      ),
    },
  }
  http.post('/v1/rejected/dismiss', { schema }, async (request) => {
    const { filter, cursor } = request.body
    await rejected.caughtUp()
    const { entries, ...rest } = selectOpen(rejected, { filter, cursor })
    const dismissed = await rejected.dismiss(entries, clientOf(request.raw, clientHeader))
    return { dismissed: dismissed.length, ...rest }
  })
}
