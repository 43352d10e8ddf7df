import { encodePosition } from '@kappa/kafka/position-token'
import { ServiceError } from '@kappa/service/errors'
import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { clientOf } from '../client-address.ts'
import { errorBody } from '../publishing/publish-schemas.ts'
import type { RejectedEvents } from '../rejected/rejected-events.ts'
import {
  fixBody,
  fixBodyBytesMax,
  publishedEvent,
  rejectionParams,
  retryable,
} from '../rejected/rejected-schemas.ts'

const description = `Publishes a rejected event again: fixed by a JSON Patch, or replaced by
\`payload\`, or as it was received (which is enough when the contract has a new version). It is
checked as any event is. What is still wrong is answered with 422 and stands in the rejection's
history; the rejection stays open, and no second one is made.

Resubmitting twice counts once: the event keeps one id for ever (that of its contract's id field,
else of its CloudEvents envelope, else the rejection's), and only one fix is ever published. Asked
again with the same fix the answer is the same, with \`repeated\`; with another one it is 409.

A resubmitted event is accepted now: views that allow less lateness than has passed since the event
happened do not count it. Events of an import are resubmitted as part of it, with the disorder that
was declared, as long as it is open (409 \`import_closed\` after that).`

/** `POST /v1/rejected/{id}/resubmit` */
export function resubmitRejectedRoute(
  http: Http,
  rejected: RejectedEvents,
  clientHeader: string | undefined,
): void {
  const schema = {
    summary: 'Fix and resubmit a rejected event',
    description,
    tags: ['rejected events'],
    params: rejectionParams,
    body: fixBody,
    response: {
      200: Type.Object(
        {
          id: Type.String(),
          state: Type.Literal('resubmitted'),
          repeated: Type.Boolean({ description: 'It was in the log before this call.' }),
          event: publishedEvent,
          position: Type.Union([Type.String(), Type.Null()], {
            description: 'Opaque: where the log stands after the event; null when repeated.',
          }),
        },
        { title: 'Resubmitted' },
      ),
      400: errorBody('`bad_request` or `malformed_json`.'),
      404: errorBody(
        '`unknown_rejection`; `unknown_topic` or `unknown_version`: no contract has it (any more).',
      ),
      408: errorBody('`request_timeout`: the body did not arrive in time.'),
      409: errorBody(
        '`payload_truncated` or `payload_not_json`: give the payload. `resubmit_pending`: another fix may be in the log. `already_resubmitted` with another fix. `import_closed`. `version_not_publishable`.',
      ),
      413: errorBody('`event_too_large` or `body_too_large`.'),
      415: errorBody('`unsupported_media_type`: send JSON.'),
      422: errorBody(
        '`still_rejected`, with the new reason in details. `patch_failed`: the patch does not fit the event.',
      ),
      429: retryable('`too_many_requests`: nothing was published.', 'Send the request again'),
      503: retryable(
        '`rebuilding` after a start, `kafka_unavailable` or `stopping`: not published. `outcome_unknown`: it may be in the log.',
        'Send the same request again',
      ),
    },
  }
  http.post(
    '/v1/rejected/:id/resubmit',
    { schema, bodyLimit: fixBodyBytesMax },
    async (request) => {
      const { patch, payload, version } = request.body ?? {}
      if (patch !== undefined && payload !== undefined) {
        throw new ServiceError('bad_request', 'Give either patch or payload, not both.')
      }
      const { id } = request.params
      const entry = await rejected.get(id)
      const client = clientOf(request.raw, clientHeader)
      const fix = { patch, payload, version }
      const { outcomes, position } = await rejected.resubmitter.resubmit(
        [entry],
        fix,
        client,
        request.span,
      )
      const [outcome] = outcomes
      if (outcome?.status !== 'resubmitted') throw outcome?.error ?? new Error('no outcome')
      const { repeated, event } = outcome
      const after = position.size === 0 ? null : encodePosition(position)
      return { id, state: 'resubmitted' as const, repeated, event, position: after }
    },
  )
}
