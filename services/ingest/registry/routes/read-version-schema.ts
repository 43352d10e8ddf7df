import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { answer, errorAnswer, subjectVersionParams, tags } from '../registry-schemas.ts'
import type { Subjects } from '../subjects.ts'

/** `GET /subjects/{subject}/versions/{version}/schema` */
export function readVersionSchemaRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: "Read a version's Avro schema itself (Schema Registry API)",
    tags,
    params: subjectVersionParams,
    response: {
      200: answer(Type.Unknown(), 'The Avro schema.'),
      404: errorAnswer('40401: there is no such subject; 40402: it has no such version.'),
      422: errorAnswer('42202: not a version.'),
    },
  }
  http.get('/subjects/:subject/versions/:version/schema', { schema }, async ({ params }) => {
    const contract = subjects.contract(params.subject)
    return subjects.version(contract, params.version).schemaText
  })
}
