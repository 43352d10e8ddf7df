import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { answer, errorAnswer, idParams, tags } from '../registry-schemas.ts'
import type { Subjects } from '../subjects.ts'

/**
 * `GET /schemas/ids/{id}`, what decoding needs.
 * https://docs.confluent.io/platform/current/schema-registry/develop/api.html#get--schemas-ids-int-%20id
 */
export function readSchemaRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: 'Read a schema by the id in a record (Schema Registry API)',
    tags,
    params: idParams,
    response: {
      200: answer(
        Type.Object(
          { schema: Type.String({ description: 'Avro schema as JSON text.' }) },
          { title: 'Schema' },
        ),
        'The schema that the record was written with.',
      ),
      404: errorAnswer('40403: no contract has the id.'),
      422: errorAnswer('422: not an id.'),
    },
  }
  http.get('/schemas/ids/:id', { schema }, async ({ params }) => {
    const [{ version }] = subjects.withSchemaId(params.id)
    return { schema: version.schemaText }
  })
}
