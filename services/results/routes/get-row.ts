import { partitionForKey } from '@kappa/kafka/murmur2'
import { ServiceError } from '@kappa/service/errors'
import type { Http } from '@kappa/service/http'
import { type TSchema, Type } from 'typebox'
import { AnswerMetaSchema, answerMeta } from '../answer-meta.ts'
import type { RouteParts } from '../parts.ts'
import { readRowKey } from '../row-key.ts'

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
      'The key is the values of the key columns in their order: separated by commas (`UA,2013-01-01T05:00:00Z`), or as a JSON array (`["UA","2013-01-01T05:00:00Z"]`, percent-encoded), which also takes null and values that have commas.',
    tags: ['views'],
    params: Type.Object({
      application: Type.String(),
      view: Type.String(),
      key: Type.String({ minLength: 1, maxLength: 4_096 }),
    }),
    response: { 200: Answer },
  }

  http.get('/v1/views/:application/:view/rows/:key', { schema }, async (request, reply) => {
    const { application, view: name } = request.params
    const read = await live.readView(application, name, 'one', async (view, answer) => {
      const key = readRowKey(view, request.params.key)
      const partition = partitionForKey(Buffer.from(key), view.slots.length)
      const slot = view.slots[partition]
      if (!slot) throw new Error(`${application}/${name} has no partition ${partition}`)
      const rows = await store.read(slot, [key])
      answer.check(partition, rows?.next)
      return { key, stored: rows?.found[0] }
    })
    const { key, stored } = read.result
    const meta = answerMeta(control, read.view, read.declared)
    reply.headers(meta.headers)
    if (!stored) {
      throw new ServiceError(
        'unknown_key',
        `${application}/${name} has no row with the key ${key}.`,
        {
          details: { meta: JSON.parse(meta.json) },
        },
      )
    }
    return reply
      .type('application/json; charset=utf-8')
      .send(`{"row":${stored.row},"meta":${meta.json}}`)
  })
}
