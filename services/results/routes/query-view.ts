import type { Http } from '@kappa/service/http'
import { type TSchema, Type } from 'typebox'
import { AnswerMetaSchema, answerMeta } from '../answer-meta.ts'
import { encodeCursor } from '../cursor.ts'
import { readPage } from '../page.ts'
import type { RouteParts } from '../parts.ts'
import { defaultLimit, readViewQuery } from '../view-query.ts'

export const limitMax = 1_000

const Query = Type.Object(
  {
    from: Type.Optional(
      Type.String({
        description:
          'Rows whose time column is at or after this: ISO 8601 (UTC without an offset) or a date.',
      }),
    ),
    to: Type.Optional(Type.String({ description: 'Rows whose time column is before this.' })),
    order: Type.Optional(
      Type.Union(
        [Type.Literal('key'), Type.Literal('-key'), Type.Literal('time'), Type.Literal('-time')],
        {
          description:
            'By the key or by time (then key), `-` for descending. Keys are ordered by the bytes of their canonical text (numbers as text). Default: time with from or to, else key. Rows without a time come after all others.',
        },
      ),
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limitMax,
        default: defaultLimit,
        description: 'Most rows of the page.',
      }),
    ),
    cursor: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 8_192,
        description: '`next_cursor` of the page before, with the same filters and order.',
      }),
    ),
  },
  {
    additionalProperties: Type.Unknown({
      description: 'Any key column, for example `carrier=UA`: rows that have this value.',
    }),
  },
)

const Answer: TSchema = Type.Object({
  rows: Type.Array(Type.Record(Type.String(), Type.Unknown()), {
    description: 'All columns of the view by name; timestamps in UTC with 6 fraction digits.',
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
  const { control, store, settings, live } = parts
  const schema = {
    summary: 'Query the rows of a view',
    description:
      'Rows of the live release. Each row is whole and as new as `meta.position` at least; a page is not one instant over all rows. Pages of one listing share a release: after a switch the cursor is refused with `release_changed`.',
    tags: ['views'],
    params: Type.Object({ application: Type.String(), view: Type.String() }),
    querystring: Query,
    response: { 200: Answer },
  }

  http.get('/v1/views/:application/:view', { schema }, async (request, reply) => {
    const { from, to, order, limit, cursor, ...filters } = request.query
    const { application, view: name } = request.params
    const options = {
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(order === undefined ? {} : { order }),
      ...(limit === undefined ? {} : { limit }),
      ...(cursor === undefined ? {} : { cursor }),
    }
    const { result, view, declared } = await live.readView(
      application,
      name,
      'several',
      async (view, answer) => {
        const query = readViewQuery(view, filters, options)
        const page = await readPage(store, view, answer, query, settings.scannedEntriesMax)
        return { page, digest: query.digest }
      },
    )
    const meta = answerMeta(control, view, declared)
    const { page, digest } = result
    const next =
      page.after === undefined
        ? ''
        : `"next_cursor":"${encodeCursor({ release: view.release, query: digest, after: page.after })}",`
    reply.headers(meta.headers).type('application/json; charset=utf-8')
    return reply.send(`{"rows":[${page.rows.join(',')}],${next}"meta":${meta.json}}`)
  })
}
