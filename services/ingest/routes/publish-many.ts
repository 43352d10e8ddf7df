import type { IncomingHttpHeaders } from 'node:http'
import { ServiceError } from '@kappa/service/errors'
import type { Http } from '@kappa/service/http'
import { type BodyFormat, bodyFormat } from '../bodies/body-format.ts'
import type { IngestContext } from '../context.ts'
import { positionToken } from '../publishing/positions.ts'
import { publishMany } from '../publishing/publish-many.ts'
import { manyBody, manyQuery, manyResponses } from '../publishing/publish-many-schemas.ts'
import { eventsByHand, withEvents } from '../publishing/whole-body.ts'

const description = `Publishes live events to several topics: each one says its topic, and
optionally the version of its contract. What holds for publishing to one topic holds here, topic by
topic. When Kafka does not take the events of one topic, those are \`failed\`, to be sent again with
the same ids, and the others are as they are.`

/** `POST /v1/events` */
export function publishManyRoute(http: Http, context: IngestContext): void {
  const { metrics } = context
  http.post(
    '/v1/events',
    {
      schema: {
        summary: 'Publish events to several topics',
        description,
        tags: ['events'],
        querystring: manyQuery,
        body: manyBody,
        response: manyResponses,
      },
      ...eventsByHand(http),
    },
    async (request, reply) => {
      const { kind } = metrics.countRefusal(() => plainFormat(request.headers))
      const sink = context.rejected.sinkFor(request.query.rejected)
      const body = { kind, topic: '', sink }
      const published = await withEvents(context, request, body, (events, client) =>
        publishMany(context, events, { client, sink, span: request.span }),
      )
      const { accepted, rejected, failed, failure, results } = published
      if (accepted + rejected === 0 && failure !== undefined) throw failure
      const position = positionToken(published.position)
      const status = rejected + failed === 0 ? 200 : accepted + failed === 0 ? 422 : 207
      return reply.status(status).send({ accepted, rejected, failed, position, results })
    },
  )
}

/** @throws ServiceError `unsupported_media_type` */
function plainFormat(headers: IncomingHttpHeaders): BodyFormat {
  const format = bodyFormat(headers)
  if (format.kind === 'json' || format.kind === 'ndjson') return format
  throw new ServiceError(
    'unsupported_media_type',
    'CloudEvents do not name a topic: send them to /v1/topics/{topic}/events.',
  )
}
