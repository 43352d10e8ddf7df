import { checkForeignSchema } from '@kappa/contracts/foreign-schema'
import type { Http } from '@kappa/service/http'
import { readForeignSchema } from '../foreign-schemas.ts'
import { bodyErrors, errorAnswer, schemaBody, subjectParams, tags } from '../registry-schemas.ts'
import type { Subjects } from '../subjects.ts'
import {
  compatibilityAnswer,
  compatibilityQuery,
  describeCompatibility,
} from './check-compatibility.ts'

/** `POST /compatibility/subjects/{subject}/versions` */
export function checkAllCompatibilityRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: 'Test a schema as the next version of a subject (Schema Registry API)',
    description:
      "By the topic's `compatibility`: against all versions where it is transitive, else against the newest. Nothing is written.",
    tags,
    params: subjectParams,
    querystring: compatibilityQuery,
    body: schemaBody,
    response: {
      200: compatibilityAnswer,
      ...bodyErrors,
      404: errorAnswer('40401: there is no such subject.'),
      422: errorAnswer('42201: not an Avro schema.'),
    },
  }
  http.post(
    '/compatibility/subjects/:subject/versions',
    { schema },
    async ({ params, query, body }) => {
      const { versions, compatibility } = subjects.contract(params.subject)
      const problems = checkForeignSchema(readForeignSchema(body), versions, compatibility)
      return describeCompatibility(problems, query.verbose)
    },
  )
}
