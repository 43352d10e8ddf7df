import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { answer, tags } from '../registry-schemas.ts'

/** `GET /schemas/types` */
export function listSchemaTypesRoute(http: Http): void {
  const schema = {
    summary: 'List the types of schemas: AVRO (Schema Registry API)',
    tags,
    response: { 200: answer(Type.Array(Type.String()), 'Always the same.') },
  }
  http.get('/schemas/types', { schema }, async () => ['AVRO'])
}
