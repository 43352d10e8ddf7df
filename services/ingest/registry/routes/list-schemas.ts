import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import {
  answer,
  describe,
  errorAnswer,
  flag,
  isSet,
  page,
  pageQuery,
  registeredSchema,
  tags,
} from '../registry-schemas.ts'
import type { Subjects } from '../subjects.ts'

/** `GET /schemas` */
export function listSchemasRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: 'List the versions of all subjects that can be published (Schema Registry API)',
    tags,
    querystring: Type.Object({
      ...pageQuery,
      subjectPrefix: Type.Optional(Type.String()),
      latestOnly: flag,
    }),
    response: {
      200: answer(Type.Array(registeredSchema), 'In order of the subjects, versions ascending.'),
      422: errorAnswer('422: a parameter is wrong.'),
    },
  }
  http.get('/schemas', { schema }, async ({ query }) => {
    const all = subjects.names(query.subjectPrefix).flatMap((subject) => {
      const versions = subjects.publishable(subjects.contract(subject))
      const wanted = isSet(query.latestOnly) ? versions.slice(-1) : versions
      return wanted.map((version) => ({ subject, version }))
    })
    return page(all, query).map(describe)
  })
}
