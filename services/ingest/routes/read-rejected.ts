import type { Http } from '@kappa/service/http'
import { errorBody } from '../publishing/publish-schemas.ts'
import type { RejectedEvents, StoredRejection } from '../rejected/rejected-events.ts'
import {
  listEntry,
  rejectionParams,
  retryable,
  shownRejection,
} from '../rejected/rejected-schemas.ts'
import { showPayload } from '../rejected/shown-payload.ts'

/** `GET /v1/rejected/{id}` */
export function readRejectedRoute(http: Http, rejected: RejectedEvents): void {
  const schema = {
    summary: 'Read a rejected event',
    description: 'With its payload as it was received, up to a bound, and what was done about it.',
    tags: ['rejected events'],
    params: rejectionParams,
    response: {
      200: shownRejection,
      400: errorBody('`bad_request`: no id is that long.'),
      404: errorBody('`unknown_rejection`: it never was, or is older than what is kept.'),
      503: retryable('`rebuilding` after a start, or `kafka_unavailable`.', 'Ask again'),
    },
  }
  http.get('/v1/rejected/:id', { schema }, async (request) => {
    const entry = await rejected.get(request.params.id)
    const { about, payload, history } = await rejected.read(entry)
    return {
      ...listEntry(entry),
      error: about.error,
      payload: showPayload(payload, about.truncated),
      history: history.map(showChange),
    }
  })
}

function showChange(change: StoredRejection['history'][number]) {
  const { at, client } = change
  switch (change.type) {
    case 'failed':
      return { at, client, state: 'open' as const, error: change.error }
    case 'resubmitted':
      return { at, client, state: change.type, event: change.event }
    default:
      return { at, client, state: change.type }
  }
}
