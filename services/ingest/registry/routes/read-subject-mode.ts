import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { errorAnswer, flag, isSet, subjectParams, tags } from '../registry-schemas.ts'
import type { Subjects } from '../subjects.ts'
import { modeAnswer } from './read-mode.ts'

/** `GET /mode/{subject}` */
export function readSubjectModeRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: "Read a subject's mode: always READONLY (Schema Registry API)",
    tags,
    params: subjectParams,
    querystring: Type.Object({ defaultToGlobal: flag }),
    response: {
      200: modeAnswer,
      404: errorAnswer('40401: there is no such subject, and `defaultToGlobal` is not `true`.'),
      422: errorAnswer('422: a parameter is wrong.'),
    },
  }
  http.get('/mode/:subject', { schema }, async ({ params, query }) => {
    if (!isSet(query.defaultToGlobal)) subjects.contract(params.subject)
    return { mode: 'READONLY' }
  })
}
