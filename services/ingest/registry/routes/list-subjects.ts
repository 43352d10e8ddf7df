import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { answer, errorAnswer, page, pageQuery, tags } from '../registry-schemas.ts'
import type { Subjects } from '../subjects.ts'

/** `GET /subjects` */
export function listSubjectsRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: 'List the subjects: one a topic (Schema Registry API)',
    tags,
    querystring: Type.Object({ ...pageQuery, subjectPrefix: Type.Optional(Type.String()) }),
    response: {
      200: answer(Type.Array(Type.String()), 'In order.'),
      422: errorAnswer('422: a parameter is wrong.'),
    },
  }
  http.get('/subjects', { schema }, async ({ query }) =>
    page(subjects.names(query.subjectPrefix), query),
  )
}
