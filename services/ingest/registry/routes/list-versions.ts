import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { answer, errorAnswer, page, pageQuery, subjectParams, tags } from '../registry-schemas.ts'
import type { Subjects } from '../subjects.ts'

/** `GET /subjects/{subject}/versions` */
export function listVersionsRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: "List a subject's versions that can be published (Schema Registry API)",
    tags,
    params: subjectParams,
    querystring: Type.Object(pageQuery),
    response: {
      200: answer(Type.Array(Type.Integer()), 'Ascending.'),
      404: errorAnswer('40401: there is no such subject.'),
      422: errorAnswer('422: a parameter is wrong.'),
    },
  }
  http.get('/subjects/:subject/versions', { schema }, async ({ params, query }) => {
    const versions = subjects.publishable(subjects.contract(params.subject))
    return page(
      versions.map(({ n }) => n),
      query,
    )
  })
}
