import type { Http } from '@kappa/service/http'
import { type Static, Type } from 'typebox'
import { clientOf } from '../client-address.ts'
import { errorBody } from '../publishing/publish-schemas.ts'
import { selectOpen } from '../rejected/open-selection.ts'
import type { Failed } from '../rejected/outcome.ts'
import type { RejectedEvents } from '../rejected/rejected-events.ts'
import {
  fixBodyBytesMax,
  fixManyBody,
  nextCursor,
  remaining,
  retryable,
} from '../rejected/rejected-schemas.ts'

const errorsShownMax = 20

const description = `Resubmits the open rejected events that match, oldest first, all with the same
patch or as they were received, as \`POST /v1/rejected/{id}/resubmit\` does each. One call goes
through a configured number of events and bytes. Those that are still wrong stay open: go on with the
answer's \`cursor\` until it is null. Resubmitted events are accepted now, and views judge their
lateness by that.`

const failure = Type.Object({
  id: Type.String(),
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    path: Type.Optional(Type.String({ description: 'Where in the event.' })),
  }),
})

/** `POST /v1/rejected/resubmit` */
export function resubmitManyRejectedRoute(
  http: Http,
  rejected: RejectedEvents,
  clientHeader: string | undefined,
): void {
  const schema = {
    summary: 'Fix and resubmit all rejected events that match',
    description,
    tags: ['rejected events'],
    body: fixManyBody,
    response: {
      200: Type.Object(
        {
          resubmitted: Type.Integer({ description: 'In the log, by this call or before it.' }),
          failed: Type.Integer({ description: 'Not resubmitted; they stay as they are.' }),
          remaining,
          cursor: nextCursor,
          errors: Type.Array(failure, { description: `The first ${errorsShownMax}.` }),
        },
        { title: 'ResubmittedMany' },
      ),
      400: errorBody('`bad_request`, `bad_cursor` or `malformed_json`.'),
      408: errorBody('`request_timeout`: the body did not arrive in time.'),
      413: errorBody('`body_too_large`.'),
      415: errorBody('`unsupported_media_type`: send JSON.'),
      429: retryable('`too_many_requests`: nothing was published.', 'Send the request again'),
      503: retryable(
        '`rebuilding` after a start, `kafka_unavailable` or `stopping`: not published. `outcome_unknown`: some may be in the log.',
        'Send the same request again',
      ),
    },
  }
  const options = { schema, bodyLimit: fixBodyBytesMax }
  http.post('/v1/rejected/resubmit', options, async (request) => {
    const { filter, patch, version, cursor } = request.body
    await rejected.caughtUp()
    const { entries, ...rest } = selectOpen(rejected, { filter, cursor, patch })
    const client = clientOf(request.raw, clientHeader)
    const { outcomes } = await rejected.resubmitter.resubmit(
      entries,
      { patch, version },
      client,
      request.span,
    )
    const failures = outcomes.filter((outcome) => outcome.status === 'failed')
    return {
      resubmitted: outcomes.length - failures.length,
      failed: failures.length,
      ...rest,
      errors: failures.slice(0, errorsShownMax).map(showFailure),
    }
  })
}

function showFailure({ id, error }: Failed): Static<typeof failure> {
  const { code, message, details } = error
  const problem =
    code === 'still_rejected' ? (details as Static<typeof failure>['error']) : undefined
  return { id, error: problem ?? { code, message } }
}
