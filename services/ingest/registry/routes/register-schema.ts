import { findEqualVersion } from '@kappa/contracts/foreign-schema'
import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { readForeignSchema } from '../foreign-schemas.ts'
import { readOnly } from '../read-only.ts'
import {
  answer,
  bodyErrors,
  describe,
  errorAnswer,
  flag,
  registeredSchema,
  schemaBody,
  subjectParams,
  tags,
} from '../registry-schemas.ts'
import { type Subjects, subjectOf } from '../subjects.ts'

/** `POST /subjects/{subject}/versions` */
export function registerSchemaRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: 'Find a schema that serializers would register (Schema Registry API)',
    description:
      'As a registry in READONLY mode: a schema that the contract has is answered with its id, so that serializers work that register before they write; another one is refused.',
    tags,
    params: subjectParams,
    querystring: Type.Object({ normalize: flag }),
    body: schemaBody,
    response: {
      200: answer(registeredSchema, 'The version that the schema is.'),
      ...bodyErrors,
      404: errorAnswer(
        '40401: there is no such subject; 40403: the schema is a version that cannot be published yet.',
      ),
      422: errorAnswer('42201: not an Avro schema; 42205: contracts live in git.'),
    },
  }
  http.post('/subjects/:subject/versions', { schema }, async ({ params, body }) => {
    const contract = subjects.contract(params.subject)
    const version = findEqualVersion(contract, readForeignSchema(body))
    if (version === undefined) {
      throw readOnly(
        `None of the versions of ${subjectOf(contract)} is this schema, and it cannot be registered here`,
      )
    }
    subjects.requirePublishable(contract, version)
    return describe({ subject: subjectOf(contract), version })
  })
}
