import type { Http } from '@kappa/service/http'
import { type TSchema, Type } from 'typebox'
import { AnswerMetaSchema, answerMeta } from '../answers/answer-meta.ts'
import { etagOf, NotModified } from '../answers/etag.ts'
import { sendRows } from '../answers/send-rows.ts'
import type { RouteParts } from '../parts.ts'
import { countQueries } from '../queries/count-query.ts'
import { readAwaited } from '../reading/awaited.ts'
import { countRows } from '../reading/count-rows.ts'
import { awaitParameters, filterParameters, ViewParameters } from './view-parameters.ts'

const Answer: TSchema = Type.Object({ count: Type.Integer(), meta: AnswerMetaSchema })

export function countRowsRoute(http: Http, parts: RouteParts): void {
  const { control, store, settings, live } = parts
  const schema = {
    summary: 'Count the rows of a view',
    description:
      'With the same filters as a query. Answered from an index where one has just these rows; otherwise entries are looked at one by one, up to a bound (409 `count_too_large`).',
    tags: ['views'],
    params: ViewParameters,
    querystring: Type.Object(awaitParameters, { additionalProperties: filterParameters }),
    response: { 200: Answer, 304: NotModified },
  }

  http.get('/v1/views/:application/:view/count', { schema }, async (request, reply) => {
    const { await: position, await_for, timeout_ms, ...filters } = request.query
    const { application, view: name } = request.params
    const awaited = readAwaited(request.query)
    const read = await live.readView(
      application,
      name,
      { turns: 'several', awaited, span: request.span },
      async (view, answer) => {
        const queries = countQueries(view, filters, answer.rowsFrom)
        const count = await countRows(store, view, answer, queries, settings.scannedEntriesMax)
        return { count, answer }
      },
    )
    const { count, answer } = read.result
    const meta = answerMeta(control, read.view, read.declared)
    const etag = etagOf(read.view, answer, request.url)
    return sendRows(request, reply, {
      meta,
      etag,
      body: () => `{"count":${count},"meta":${meta.json}}`,
    })
  })
}
