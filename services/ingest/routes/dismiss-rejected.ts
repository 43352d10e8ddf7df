import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { clientOf } from '../client-address.ts'
import { errorBody } from '../publishing/publish-schemas.ts'
import { checkDismissed, type RejectedEvents } from '../rejected/rejected-events.ts'
import { rejectionParams, retryable } from '../rejected/rejected-schemas.ts'
import { stateOf } from '../rejected/rejection-entry.ts'

/** `POST /v1/rejected/{id}/dismiss` */
export function dismissRejectedRoute(
  http: Http,
  rejected: RejectedEvents,
  clientHeader: string | undefined,
): void {
  const schema = {
    summary: 'Dismiss a rejected event',
    description:
      'Nothing will be done about it: it is no longer open. It can still be read, and resubmitted.',
    tags: ['rejected events'],
    params: rejectionParams,
    response: {
      200: Type.Object(
        {
          id: Type.String(),
          state: Type.Literal('dismissed'),
          repeated: Type.Boolean({ description: 'It was dismissed before this call.' }),
        },
        { title: 'Dismissed' },
      ),
      400: errorBody('`bad_request` or `malformed_json`.'),
      404: errorBody('`unknown_rejection`: it never was, or is older than what is kept.'),
      408: errorBody('`request_timeout`: the body did not arrive in time.'),
      409: errorBody('`already_resubmitted`: its event is in the log.'),
      413: errorBody('`body_too_large`.'),
      415: errorBody('`unsupported_media_type`.'),
      429: retryable('`too_many_requests`.', 'Send the request again'),
      503: retryable(
        '`rebuilding` after a start, `kafka_unavailable`, `outcome_unknown` or `stopping`.',
        'Send the same request again',
      ),
    },
  }
  http.post('/v1/rejected/:id/dismiss', { schema }, async (request) => {
    const entry = await rejected.get(request.params.id)
    checkDismissed(entry)
    const repeated = stateOf(entry) === 'dismissed'
    if (!repeated) await rejected.dismiss([entry], clientOf(request.raw, clientHeader))
    checkDismissed(entry)
    return { id: entry.id, state: 'dismissed' as const, repeated }
  })
}
