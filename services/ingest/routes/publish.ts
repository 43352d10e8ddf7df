import { type ErrorCode, ServiceError } from '@kappa/service/errors'
import type { Http } from '@kappa/service/http'
import { parseEvents } from '../bodies/event-parser.ts'
import { bodyFormat } from '../bodies/media-type.ts'
import { readRequestBody } from '../bodies/request-body.ts'
import type { IngestContext } from '../context.ts'
import { declaredDisorder } from '../publishing/import-disorder.ts'
import type { Lease } from '../publishing/in-flight.ts'
import {
  publishBody,
  publishQuery,
  publishResponses,
  topicParams,
} from '../publishing/publish-schemas.ts'
import type { Published } from '../publishing/publisher.ts'

const description = `Validates each event by the newest version of the topic's contract, keys it and
writes it with acks=all. An accepted event is in the log when the answer arrives. Send rejected
events again when they are right; send whole requests again after 429, 503 or no answer, with the
same ids: an id counts once in every view.

An id that comes twice in one request with the same content is written once; with other content the
later event is rejected (\`id_conflict\`).

Codes of rejected events, besides those of the contract (\`unknown_field\`, \`missing_field\`,
\`wrong_type\`, \`out_of_range\`, \`bad_timestamp\`, …): \`malformed_json\` (an NDJSON line),
\`event_too_large\`, \`id_conflict\`, \`from_the_future\` (later than now plus the contract's
earliness), \`import_disorder\`. Send one topic's import through one instance of this service.`

/** `POST /v1/topics/{topic}/events` */
export function publishRoute(http: Http, context: IngestContext): void {
  const { config, topics, inFlight, publisher, metrics } = context
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
      // The body is read here, bounded and once; its schema is for the document.
      validatorCompiler: (part) =>
        part.httpPart === 'body' || !http.validatorCompiler
          ? () => true
          : http.validatorCompiler(part),
      // Checking thousands of results against a union would cost more than making them.
      serializerCompiler: () => (answer) => JSON.stringify(answer),
    },
    async (request, reply) => {
      let lease: Lease | undefined
      let events: unknown[] | undefined
      try {
        lease = inFlight.admit()
        const { headers } = request
        const target = topics.get(request.params.topic)
        const { topic, importDisorderMaxMs } = target.contract
        const disorderMs = declaredDisorder(request.query, importDisorderMaxMs)
        const format = bodyFormat(headers['content-type'], headers['content-encoding'])
        const body = await readRequestBody(request.raw, config.http.bodyBytesMax, lease)
        metrics.bodyBytes.inc({ topic }, body.length)
        events = parseEvents(body, format, config.limits.eventsPerRequestMax)
        const published = await publisher.publish(target, events, disorderMs)
        if (published.accepted === 0) {
          return reply.status(422).send({ error: whyNone(published), topic, ...published })
        }
        return reply.status(published.rejected === 0 ? 200 : 207).send({ topic, ...published })
      } catch (error) {
        // Once the events are known the publisher accounts for each of them.
        if (events === undefined) {
          const code = error instanceof ServiceError ? error.code : 'internal'
          metrics.requestsRefused.inc({ code })
        }
        throw error
      } finally {
        lease?.release()
      }
    },
  )
}

/** @throws ServiceError `event_too_large` when that is all that is wrong */
function whyNone({ results }: Published): { code: string; message: string } {
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.error] : []))
  const [first] = errors
  if (first && errors.every(({ code }) => code === 'event_too_large')) {
    throw new ServiceError('event_too_large', `Nothing was written: ${first.message}.`, {
      details: { results },
    })
  }
  const all = results.length === 1 ? 'The event is' : `All ${results.length} events are`
  return {
    code: 'all_events_rejected' satisfies ErrorCode,
    message: `${all} rejected, nothing was written. The first reason: ${first?.message} (at ${first?.path}).`,
  }
}
