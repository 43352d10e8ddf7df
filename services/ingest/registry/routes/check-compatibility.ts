import { checkForeignSchema } from '@kappa/contracts/foreign-schema'
import type { Http } from '@kappa/service/http'
import { Type } from 'typebox'
import { readForeignSchema } from '../foreign-schemas.ts'
import {
  answer,
  bodyErrors,
  errorAnswer,
  flag,
  isSet,
  schemaBody,
  subjectVersionParams,
  tags,
} from '../registry-schemas.ts'
import type { Subjects } from '../subjects.ts'

export const compatibilityQuery = Type.Object({ verbose: flag, normalize: flag })

export const compatibilityAnswer = answer(
  Type.Object(
    {
      is_compatible: Type.Boolean(),
      messages: Type.Optional(
        Type.Array(Type.String(), { description: 'With `verbose=true`: fields and rules.' }),
      ),
    },
    { title: 'Compatibility' },
  ),
  'Whether the schema could be the next version.',
)

/** Form of the answer for what was found to be in the way. */
export function describeCompatibility(problems: readonly string[], verbose: string | undefined) {
  const messages = isSet(verbose) ? { messages: problems } : {}
  return { is_compatible: problems.length === 0, ...messages }
}

/** `POST /compatibility/subjects/{subject}/versions/{version}` */
export function checkCompatibilityRoute(http: Http, subjects: Subjects): void {
  const schema = {
    summary: 'Test a schema against one version of a subject (Schema Registry API)',
    description:
      "By the topic's `compatibility`. Nothing is written. `latest` is the newest version that there is, publishable or not, because the next one follows it.",
    tags,
    params: subjectVersionParams,
    querystring: compatibilityQuery,
    body: schemaBody,
    response: {
      200: compatibilityAnswer,
      ...bodyErrors,
      404: errorAnswer('40401: there is no such subject; 40402: it has no such version.'),
      422: errorAnswer('42201: not an Avro schema; 42202: not a version.'),
    },
  }
  http.post(
    '/compatibility/subjects/:subject/versions/:version',
    { schema },
    async ({ params, query, body }) => {
      const contract = subjects.contract(params.subject)
      const version = subjects.versionToFollow(contract, params.version)
      const foreign = readForeignSchema(body)
      const problems = checkForeignSchema(foreign, [version], contract.compatibility)
      return describeCompatibility(problems, query.verbose)
    },
  )
}
