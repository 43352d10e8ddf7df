import { Readable } from 'node:stream'
import { ServiceError } from '@kappa/service/errors'
import type { Http } from '@kappa/service/http'
import { type TSchema, Type } from 'typebox'
import { AnswerMetaSchema } from '../answers/answer-meta.ts'
import { etagOf, NotModified } from '../answers/etag.ts'
import { contentTypes, MediaParameter, mediaOf } from '../answers/media.ts'
import { rowLines } from '../answers/row-lines.ts'
import { sendRows } from '../answers/send-rows.ts'
import type { RouteParts } from '../parts.ts'
import { limitByDefault, limitMax } from '../queries/view-query.ts'
import { readAwaited } from '../reading/awaited.ts'
import { readRows } from '../reading/read-rows.ts'
import {
  awaitParameters,
  filterParameters,
  shapeParameters,
  ViewParameters,
} from './view-parameters.ts'

const Query = Type.Object(
  {
    order: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description:
          'By `key`, by `time`, or by a column that the view declares as `ranked`, each then by the key; `-` in front for descending. Numbers and times by their values, texts by their bytes, nulls before all else. Default: time with from or to, else key.',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: `Most rows: of a page at most ${limitMax}, ${limitByDefault} by default; NDJSON and CSV have all by default.`,
      }),
    ),
    cursor: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 8_192,
        description: '`next_cursor` of the page before, with the same filters and order.',
      }),
    ),
    format: MediaParameter,
    ...awaitParameters,
    ...shapeParameters,
  },
  { additionalProperties: filterParameters },
)

const Answer: TSchema = Type.Object({
  rows: Type.Array(Type.Record(Type.String(), Type.Unknown()), {
    description: 'The columns of the view by name; timestamps in UTC with 6 fraction digits.',
  }),
  next_cursor: Type.Optional(
    Type.String({
      description:
        'There may be more: a page ends at its limit, or early after many entries that the filters left out.',
    }),
  ),
  meta: AnswerMetaSchema,
})

export function queryViewRoute(http: Http, parts: RouteParts): void {
  const schema = {
    summary: 'Query the rows of a view',
    description:
      'Rows of the live release. Each row is whole and as new as `meta.position` at least; a page is not one instant over all rows. Pages of one listing share a release: after a switch the cursor is refused with `release_changed`, and an answer of lines that has begun is cut off. The `etag` changes only with the rows.',
    tags: ['views'],
    params: ViewParameters,
    querystring: Query,
    response: { 200: Answer, 304: NotModified },
  }

  http.get('/v1/views/:application/:view', { schema }, async (request, reply) => {
    const { order, limit, cursor, format, columns, numbers, ...others } = request.query
    const { await: position, await_for, timeout_ms, ...filters } = others
    const media = mediaOf(format, request.headers.accept)
    const asked = {
      ...request.params,
      filters,
      order,
      shape: {
        ...(columns === undefined ? {} : { columns }),
        ...(numbers === undefined ? {} : { numbers }),
      },
    }
    const rowsMax = media === 'json' ? pageLimit(limit) : (limit ?? Number.POSITIVE_INFINITY)
    const first = await readRows(parts, asked, {
      limit: Math.min(rowsMax, limitMax),
      cursor,
      awaited: readAwaited(request.query),
      span: request.span,
    })
    const { meta, page, shape } = first
    const etag = etagOf(first.view, first.answer, `${media} ${request.url}`)
    reply.header('vary', 'accept')
    if (media === 'json') {
      const rows = () => page.rows.map((row) => shape.json(row)).join(',')
      const after = first.cursor === undefined ? '' : `"next_cursor":"${first.cursor}",`
      const body = () => `{"rows":[${rows()}],${after}"meta":${meta.json}}`
      return sendRows(request, reply, { meta, etag, body })
    }
    // Of lines that are read part by part nobody can say beforehand.
    if (first.cursor === undefined) reply.header('etag', etag)
    reply.headers(meta.headers).type(contentTypes[media])
    const next = (after: string, left: number) =>
      readRows(parts, asked, { limit: Math.min(left, limitMax), cursor: after })
    return reply.send(Readable.from(rowLines(media, first, rowsMax, next), { objectMode: false }))
  })
}

function pageLimit(limit = limitByDefault): number {
  if (limit <= limitMax) return limit
  throw new ServiceError(
    'bad_request',
    `"limit" is ${limit}, and a page has at most ${limitMax} rows. Go on with next_cursor, or take all as lines (accept: application/x-ndjson).`,
  )
}
