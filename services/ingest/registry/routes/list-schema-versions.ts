import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { answer, errorAnswer, idParams, page, pageQuery, tags } from '../registry-schemas.ts'
import type { Subjects } from '../subjects.ts'

/** `GET /schemas/ids/{id}/versions` */
export function listSchemaVersionsRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: 'List the subjects and versions that have a schema id (Schema Registry API)',
    tags,
    params: idParams,
    querystring: Type.Object({ ...pageQuery, subject: Type.Optional(Type.String()) }),
    response: {
      200: answer(
        Type.Array(
          Type.Object(
            { subject: Type.String(), version: Type.Integer() },
            { title: 'SubjectVersion' },
          ),
        ),
        'In order of the subjects.',
      ),
      404: errorAnswer('40403: no contract has the id.'),
      422: errorAnswer('422: not an id, or a parameter is wrong.'),
    },
  }
  http.get('/schemas/ids/:id/versions', { schema }, async ({ params, query }) => {
    const found = subjects
      .withSchemaId(params.id)
      .map(({ subject, version }) => ({ subject, version: version.n }))
    return page(
      found.filter(({ subject }) => query.subject === undefined || subject === query.subject),
      query,
    )
  })
}
