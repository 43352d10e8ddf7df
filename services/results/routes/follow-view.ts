import { Readable } from 'node:stream'
import { ServiceError } from '@kappa/service/errors'
import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { rowShape } from '../answers/row-shape.ts'
import { askedDigest, decodeChangeCursor } from '../changes/change-cursor.ts'
import { changeFilter } from '../changes/change-filter.ts'
import { Subscription, type SubscriptionParts } from '../changes/subscription.ts'
import type { ResultsMetrics } from '../results-metrics.ts'
import { filterParameters, shapeParameters, ViewParameters } from './view-parameters.ts'

/** A peer that is gone without a word: after this without traffic it is asked every second. */
const keepAliveMs = 10_000

export function followViewRoute(
  http: Http,
  parts: SubscriptionParts,
  options: {
    readonly subscribersMax: number
    readonly stopping: AbortSignal
    readonly followers: ResultsMetrics['followers']
  },
): void {
  const schema = {
    summary: 'Follow a view (server-sent events)',
    description: `All rows, then every change of them. With \`last-event-id\`, which browsers send by themselves, it goes on from there without a loss and without a repeat. Events:
- \`snapshot\` (as \`meta\` of a query): forget what you have, all rows follow
- \`row\` ({"key", "row"}): a row that is new or has changed
- \`delete\` ({"key"}): no row of that key any more, or none that the filters let through
- \`current\` (as \`meta\`): everything up to this position has been told; also a sign of life
- \`release\` ({"from", "to"}): another release is live; the rows that differ follow (as after \`snapshot\`, a stream that is cut off before the next id begins with all rows)
- \`resume\`: come back with the last id`,
    tags: ['views'],
    produces: ['text/event-stream'],
    params: ViewParameters,
    querystring: Type.Object(shapeParameters, { additionalProperties: filterParameters }),
  }
  const { subscribersMax, stopping, followers } = options
  let subscribers = 0

  http.get('/v1/views/:application/:view/changes', { schema }, async (request, reply) => {
    const { columns, numbers, ...filters } = request.query
    const shape = {
      ...(columns === undefined ? {} : { columns }),
      ...(numbers === undefined ? {} : { numbers }),
    }
    const asked = { ...request.params, filters, order: undefined, shape }
    const digest = askedDigest([request.params, filters, shape])
    const from = lastEvent(request.headers['last-event-id'], digest)
    // What is wrong with the request is told as such, not in the middle of a stream.
    const live = parts.catalogue.live(asked.application)
    const view = parts.catalogue.view(live, asked.view)
    changeFilter(view, filters)
    rowShape(view, shape)
    if (subscribers >= subscribersMax) throw tooMany(subscribersMax)
    const over = new AbortController()
    const labels = { application: asked.application, view: asked.view }
    subscribers += 1
    followers.inc(labels)
    request.raw.socket.setKeepAlive(true, keepAliveMs)
    request.raw.once('close', () => {
      subscribers -= 1
      followers.dec(labels)
      over.abort()
    })
    const signal = AbortSignal.any([over.signal, stopping])
    const events = new Subscription(parts, asked, { digest, from }, signal).events()
    return reply
      .headers({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      .send(Readable.from(events, { objectMode: false, highWaterMark: 1 }))
  })
}

function lastEvent(id: string | string[] | undefined, digest: string) {
  if (id === undefined || id === '') return undefined
  const cursor = typeof id === 'string' ? decodeChangeCursor(id) : undefined
  if (cursor?.asked === digest) return cursor
  throw new ServiceError(
    'bad_cursor',
    '"last-event-id" is not an id of an event of this view with these filters and columns.',
  )
}

function tooMany(most: number): ServiceError {
  return new ServiceError(
    'too_many_requests',
    `${most} clients follow views here already (KAPPA_RESULTS_SUBSCRIBERS_MAX); try another instance.`,
    { retryAfterSeconds: 5 },
  )
}
