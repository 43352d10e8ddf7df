import type { Http } from '@kappa/service/http'
import { bodyFormat } from '../bodies/body-format.ts'
import { clientOf } from '../client-address.ts'
import type { IngestContext } from '../context.ts'
import { acceptsLines, sendLines, sendPublished, sendResultLines } from '../publishing/answers.ts'
import { publishLines } from '../publishing/publish-lines.ts'
import { publishOptions } from '../publishing/publish-options.ts'
import {
  publishBody,
  publishQuery,
  publishResponses,
  topicParams,
} from '../publishing/publish-schemas.ts'
import { eventsByHand, withEvents } from '../publishing/whole-body.ts'

const description = `Validates each event by a version of the topic's contract, keys it and writes
it with acks=all. An accepted event is in the log when the answer arrives. Send rejected events
again when they are right; send whole requests again after 429, 503 or no answer, with the same
ids: an id counts once in every view.

Bodies are events (one JSON object, an array, or NDJSON) or CloudEvents 1.0 (structured, batched,
or binary mode), plain or with content encoding gzip or zstd. The data of a CloudEvent is the event;
its source and id identify the event where the contract names no id field.

With \`accept: application/x-ndjson\` the answer has a line for each event (\`index\` counts from 0)
and a summary as its last line. Then an NDJSON body may be of any length: read the answer while you
send. Events that are \`failed\` in it, or have no line, are to be sent again.

An id that comes twice in one request with the same content is written once; with other content the
later event is rejected (\`id_conflict\`).

Codes of rejected events, besides those of the contract (\`unknown_field\`, \`missing_field\`,
\`wrong_type\`, \`out_of_range\`, \`bad_timestamp\`, …): \`malformed_json\` (an NDJSON line),
\`bad_cloudevent\`, \`event_too_large\`, \`id_conflict\`, \`from_the_future\` (later than now plus the
contract's earliness), \`import_disorder\`. Send one topic's import through one instance of this
service.`

/** `POST /v1/topics/{topic}/events` */
export function publishRoute(http: Http, context: IngestContext): void {
  const { config, inFlight, publisher, metrics } = context
  http.post(
    '/v1/topics/:topic/events',
    {
      schema: {
        summary: 'Publish events',
        description,
        tags: ['events'],
        params: topicParams,
        querystring: publishQuery,
        body: publishBody,
        response: publishResponses,
      },
      ...eventsByHand(http),
    },
    async (request, reply) => {
      const { headers, raw } = request
      const format = metrics.countRefusal(() => bodyFormat(headers))
      const asked = metrics.countRefusal(() =>
        publishOptions(context, request.params.topic, request.query, format),
      )
      const options = { ...asked, span: request.span }
      const { topic } = options.target.contract
      const asLines = acceptsLines(headers.accept)
      if (format.kind === 'ndjson' && asLines) {
        const lease = metrics.countRefusal(() => inFlight.admit(clientOf(raw, config.clientHeader)))
        const answers = publishLines(raw, context, options, lease)
        return sendLines(reply, answers, config.http.requestTimeoutMs)
      }
      const body = { kind: format.kind, topic, sink: options.sink }
      const published = await withEvents(context, request, body, (events, client) =>
        publisher.publish({ ...options, events, client }),
      )
      return (asLines ? sendResultLines : sendPublished)(reply, topic, published)
    },
  )
}
