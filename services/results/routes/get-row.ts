import { ServiceError } from '@kappa/service/errors'
import type { Http } from '@kappa/service/http'
import { type TSchema, Type } from 'typebox'
import { AnswerMetaSchema, answerMeta } from '../answers/answer-meta.ts'
import { etagOf, NotModified } from '../answers/etag.ts'
import { rowShape } from '../answers/row-shape.ts'
import { sendRows } from '../answers/send-rows.ts'
import type { RouteParts } from '../parts.ts'
import { readRowKey } from '../queries/row-key.ts'
import { readAwaited } from '../reading/awaited.ts'
import { placeOf, readEntry } from '../reading/read-entries.ts'
import { awaitParameters, shapeParameters, ViewParameters } from './view-parameters.ts'

const Answer: TSchema = Type.Object({
  row: Type.Record(Type.String(), Type.Unknown(), {
    description: 'All columns of the view by name; timestamps in UTC with 6 fraction digits.',
  }),
  meta: AnswerMetaSchema,
})

export function getRowRoute(http: Http, parts: RouteParts): void {
  const { control, store, live } = parts
  const schema = {
    summary: 'Get one row by its key',
    description:
      'The key is the values of the key columns in their order: separated by commas (`UA,2013-01-01T05:00:00Z`), or as a JSON array (`["UA","2013-01-01T05:00:00Z"]`, percent-encoded), which also takes null and values that have commas. The `etag` changes only with the rows.',
    tags: ['views'],
    params: Type.Object({
      ...ViewParameters.properties,
      key: Type.String({ minLength: 1, maxLength: 4_096 }),
    }),
    querystring: Type.Object(
      { ...awaitParameters, ...shapeParameters },
      { additionalProperties: false },
    ),
    response: { 200: Answer, 304: NotModified },
  }

  const path = '/v1/views/:application/:view/rows/:key'
  // One row is small: to see whether it is worth compressing costs more than it saves.
  const options = { schema, compress: false as const }
  http.get(path, options, async (request, reply) => {
    const { application, view: name } = request.params
    const awaited = readAwaited(request.query)
    const read = await live.readView(
      application,
      name,
      { turns: 'one', awaited, span: request.span },
      async (view, answer) => {
        const shape = rowShape(view, request.query)
        const key = readRowKey(view, request.params.key)
        const place = placeOf(view, key.json, key.sortable)
        const stored = await readEntry(store, view, answer, place)
        return { key, shape, stored, answer }
      },
    )
    const { key, shape, stored, answer } = read.result
    const meta = answerMeta(control, read.view, read.declared)
    if (!stored) {
      reply.headers(meta.headers)
      throw new ServiceError(
        'unknown_key',
        `${application}/${name} has no row with the key ${key.json}.`,
        { details: { meta: JSON.parse(meta.json) } },
      )
    }
    const etag = etagOf(read.view, answer, request.url)
    const body = () => `{"row":${shape.json(stored.row)},"meta":${meta.json}}`
    return sendRows(request, reply, { meta, etag, body })
  })
}
