import { findEqualVersion } from '@kappa/contracts/foreign-schema'
import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { readForeignSchema } from '../foreign-schemas.ts'
import { RegistryError } from '../registry-error.ts'
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

/** `POST /subjects/{subject}` */
export function lookUpSchemaRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: 'Find the version of a subject that is a given schema (Schema Registry API)',
    description:
      'Equal is what Avro takes for equal: formatting, order of attributes and docs do not count, whatever `normalize` says. Serializers find the id to write by it, so a version that is not publishable yet is not found.',
    tags,
    params: subjectParams,
    querystring: Type.Object({ normalize: flag }),
    body: schemaBody,
    response: {
      200: answer(registeredSchema, 'The version.'),
      ...bodyErrors,
      404: errorAnswer(
        '40401: there is no such subject; 40403: none of its versions that can be published is this schema.',
      ),
      422: errorAnswer('42201: not an Avro schema.'),
    },
  }
  http.post('/subjects/:subject', { schema }, async ({ params, body }) => {
    const contract = subjects.contract(params.subject)
    const version = findEqualVersion(contract, readForeignSchema(body))
    if (version === undefined) {
      throw new RegistryError(
        'schema_not_found',
        `None of the versions of ${subjectOf(contract)} is this schema. GET /subjects/${subjectOf(contract)}/versions/latest has the one to write with.`,
      )
    }
    subjects.requirePublishable(contract, version)
    return describe({ subject: subjectOf(contract), version })
  })
}
