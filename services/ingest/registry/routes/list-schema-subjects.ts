import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { answer, errorAnswer, idParams, page, pageQuery, tags } from '../registry-schemas.ts'
import type { Subjects } from '../subjects.ts'

/** `GET /schemas/ids/{id}/subjects` */
export function listSchemaSubjectsRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: 'List the subjects that have a schema id (Schema Registry API)',
    tags,
    params: idParams,
    querystring: Type.Object({ ...pageQuery, subject: Type.Optional(Type.String()) }),
    response: {
      200: answer(Type.Array(Type.String()), 'In order.'),
      404: errorAnswer('40403: no contract has the id.'),
      422: errorAnswer('422: not an id, or a parameter is wrong.'),
    },
  }
  http.get('/schemas/ids/:id/subjects', { schema }, async ({ params, query }) => {
    const names = subjects.withSchemaId(params.id).map(({ subject }) => subject)
    return page(
      names.filter((name) => query.subject === undefined || name === query.subject),
      query,
    )
  })
}
