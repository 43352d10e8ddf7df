import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { answer, errorAnswer, idParams, tags } from '../registry-schemas.ts'
import type { Subjects } from '../subjects.ts'

/** `GET /schemas/ids/{id}/schema` */
export function readSchemaItselfRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: 'Read the Avro schema itself by its id (Schema Registry API)',
    tags,
    params: idParams,
    response: {
      200: answer(Type.Unknown(), 'The Avro schema.'),
      404: errorAnswer('40403: no contract has the id.'),
      422: errorAnswer('422: not an id.'),
    },
  }
  http.get('/schemas/ids/:id/schema', { schema }, async ({ params }) => {
    const [{ version }] = subjects.withSchemaId(params.id)
    return version.schemaText
  })
}
