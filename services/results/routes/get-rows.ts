import type { Http } from '@kappa/service/http'
import { type TSchema, Type } from 'typebox'
import { AnswerMetaSchema, answerMeta } from '../answers/answer-meta.ts'
import { rowShape } from '../answers/row-shape.ts'
import { sendRows } from '../answers/send-rows.ts'
import type { RouteParts } from '../parts.ts'
import { keyOfValues } from '../queries/row-key.ts'
import { readAwaited } from '../reading/awaited.ts'
import { placeOf, readEntries } from '../reading/read-entries.ts'
import { awaitParameters, shapeParameters, ViewParameters } from './view-parameters.ts'

const keysMax = 1_000

const Answer: TSchema = Type.Object({
  rows: Type.Array(
    Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()], {
      description: 'The row of the key at the same place; null where there is none.',
    }),
  ),
  meta: AnswerMetaSchema,
})

export function getRowsRoute(http: Http, parts: RouteParts): void {
  const { control, store, live } = parts
  const schema = {
    summary: 'Get many rows by their keys',
    tags: ['views'],
    params: ViewParameters,
    querystring: Type.Object(
      { ...awaitParameters, ...shapeParameters },
      { additionalProperties: false },
    ),
    body: Type.Object(
      {
        keys: Type.Array(Type.Array(Type.Unknown()), {
          minItems: 1,
          maxItems: keysMax,
          description:
            'Each the values of the key columns in their order: texts, whole numbers up to 2^53, true, false or null; other numbers as texts.',
        }),
      },
      { additionalProperties: false },
    ),
    response: { 200: Answer },
  }

  http.post('/v1/views/:application/:view/rows', { schema }, async (request, reply) => {
    const { application, view: name } = request.params
    const awaited = readAwaited(request.query)
    const read = await live.readView(
      application,
      name,
      { turns: 'one', awaited, span: request.span },
      async (view, answer) => {
        const shape = rowShape(view, request.query)
        const places = request.body.keys.map((values) => {
          const key = keyOfValues(view, values)
          return placeOf(view, key.json, key.sortable)
        })
        const rows = await readEntries(store, view, answer, places)
        return rows.map((stored) => (stored ? shape.json(stored.row) : 'null'))
      },
    )
    const meta = answerMeta(control, read.view, read.declared)
    const body = () => `{"rows":[${read.result.join(',')}],"meta":${meta.json}}`
    return sendRows(request, reply, { meta, body })
  })
}
