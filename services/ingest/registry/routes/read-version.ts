import type { Http } from '@kappa/service/http'
import {
  answer,
  describe,
  errorAnswer,
  registeredSchema,
  subjectVersionParams,
  tags,
} from '../registry-schemas.ts'
import { type Subjects, subjectOf } from '../subjects.ts'

/** `GET /subjects/{subject}/versions/{version}` */
export function readVersionRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: 'Read a version of a subject (Schema Registry API)',
    description: '`latest` is the newest version that every release can decode.',
    tags,
    params: subjectVersionParams,
    response: {
      200: answer(registeredSchema, 'The version.'),
      404: errorAnswer('40401: there is no such subject; 40402: it has no such version.'),
      422: errorAnswer('42202: not a version.'),
    },
  }
  http.get('/subjects/:subject/versions/:version', { schema }, async ({ params }) => {
    const contract = subjects.contract(params.subject)
    const version = subjects.version(contract, params.version)
    return describe({ subject: subjectOf(contract), version })
  })
}
