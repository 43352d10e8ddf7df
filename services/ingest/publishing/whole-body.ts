import { ServiceError } from '@kappa/service/errors'
import type { Http, HttpRequest } from '@kappa/service/http'
import type { BodyKind } from '../bodies/body-format.ts'
import type { EventBatch } from '../bodies/event-batch.ts'
import { parseBody } from '../bodies/parse-body.ts'
import { readRequestBody } from '../bodies/request-body.ts'
import { clientOf } from '../client-address.ts'
import type { IngestContext } from '../context.ts'
import type { RejectionSink } from '../rejected/rejection.ts'

/**
 * Options of a route that takes events: their body is read and bounded by `withEvents` or as lines,
 * and its schema is for the document only; checking thousands of results against a union would cost
 * more than making them.
 */
export function eventsByHand(http: Http) {
  return {
    validatorCompiler: (part: Parameters<NonNullable<Http['validatorCompiler']>>[0]) =>
      part.httpPart === 'body' || !http.validatorCompiler
        ? () => true
        : http.validatorCompiler(part),
    serializerCompiler: () => (answer: unknown) => JSON.stringify(answer),
  }
}

export interface WholeBody {
  readonly kind: BodyKind
  /** Empty when each event names its own. */
  readonly topic: string
  readonly sink: RejectionSink | undefined
}

/**
 * Admits a request, reads its body whole, waits for its client's turn and hands the events to
 * `publish`, which accounts for each of them; gives everything back afterwards.
 *
 * @throws ServiceError why the request is refused, or what `publish` throws
 */
export async function withEvents<T>(
  { config, inFlight, turns, publisher, metrics }: IngestContext,
  { raw, headers }: Pick<HttpRequest, 'raw' | 'headers'>,
  { kind, topic, sink }: WholeBody,
  publish: (events: EventBatch, client: string) => Promise<T>,
): Promise<T> {
  const { bodyBytesMax, requestTimeoutMs } = config.http
  const bounds = { bytesMax: bodyBytesMax, timeoutMs: requestTimeoutMs }
  const lease = metrics.countRefusal(() => inFlight.admit(clientOf(raw, config.clientHeader)))
  const { client } = lease
  try {
    const body = await readRequestBody(raw, bounds, lease).catch(refuse)
    metrics.bodyBytes.inc({ topic }, body.length)
    await turns.take(client, body.length)
    try {
      const events = await parse(body)
      return await publish(events, client)
    } finally {
      turns.done(body.length)
    }
  } finally {
    lease.release()
  }

  async function parse(body: Buffer): Promise<EventBatch> {
    try {
      return parseBody(body, kind, headers, config.limits.eventsPerRequestMax)
    } catch (error) {
      if (error instanceof ServiceError && error.code === 'malformed_json') {
        throw await publisher.rejectBody(topic, body, error, { client, sink })
      }
      return refuse(error)
    }
  }

  function refuse(error: unknown): never {
    return metrics.countRefusal(() => {
      throw error
    })
  }
}
