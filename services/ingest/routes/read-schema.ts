import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import type { Topics } from '../publishing/topics.ts'

const registryType = 'application/vnd.schemaregistry.v1+json'
/** The Schema Registry's "Schema not found". */
const schemaNotFound = 40_403

/**
 * `GET /schemas/ids/{id}`: the part of the Schema Registry API that decoding needs, with its own
 * media type and its own form of errors, so that its clients work unchanged.
 * https://docs.confluent.io/platform/current/schema-registry/develop/api.html#get--schemas-ids-int-%20id
 */
export function readSchemaRoute(http: Http, topics: Topics): void {
  const schema = {
    summary: 'Read a schema by the id in a record (Schema Registry API)',
    tags: ['schema registry'],
    params: Type.Object({
      id: Type.Integer({
        minimum: 0,
        maximum: 2_147_483_647,
        description: "Bytes 1 to 4 of a record's value, big-endian.",
      }),
    }),
    response: {
      200: Type.Object(
        { schema: Type.String({ description: 'Avro schema as JSON text.' }) },
        { title: 'Schema', description: 'The schema that the record was written with.' },
      ),
      404: Type.Object(
        { error_code: Type.Integer(), message: Type.String() },
        { title: 'RegistryError', description: '`error_code` 40403: no contract has the id.' },
      ),
    },
  }
  http.get('/schemas/ids/:id', { schema }, async (request, reply) => {
    const { id } = request.params
    const found = topics.contracts.bySchemaId(id)
    reply.type(registryType)
    if (found !== undefined) return { schema: found.version.schemaText }
    const message = `No contract has a schema with the id ${id}.`
    return reply.status(404).send({ error_code: schemaNotFound, message })
  })
}
