import { defaultCompatibility } from '@kappa/contracts/compatibility'
import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { errorAnswer, flag, isSet, subjectParams, tags } from '../registry-schemas.ts'
import type { Subjects } from '../subjects.ts'
import { configAnswer } from './read-config.ts'

/** `GET /config/{subject}` */
export function readSubjectConfigRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: "Read a topic's compatibility (Schema Registry API)",
    tags,
    params: subjectParams,
    querystring: Type.Object({ defaultToGlobal: flag }),
    response: {
      200: configAnswer,
      404: errorAnswer('40401: there is no such subject, and `defaultToGlobal` is not `true`.'),
      422: errorAnswer('422: a parameter is wrong.'),
    },
  }
  http.get('/config/:subject', { schema }, async ({ params, query }) => {
    const known = !isSet(query.defaultToGlobal) || subjects.has(params.subject)
    const level = known ? subjects.contract(params.subject).compatibility : defaultCompatibility
    return { compatibilityLevel: level.toUpperCase() }
  })
}
