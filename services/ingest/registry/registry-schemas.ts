import { type TSchema, Type } from 'typebox'
import type { SubjectVersion } from './subjects.ts'

/** Media type of every answer. */
export const registryType = 'application/vnd.schemaregistry.v1+json'

export const tags = ['schema registry']

/** An answer with status 200 for `schema.response`. */
export function answer(schema: TSchema, description: string) {
  return { description, content: { [registryType]: { schema } } }
}

export function errorAnswer(description: string) {
  const body = Type.Object(
    { error_code: Type.Integer(), message: Type.String() },
    { title: 'RegistryError' },
  )
  return answer(body, description)
}

/** What any route may answer to a request with a body that it cannot read. */
export const bodyErrors = {
  400: errorAnswer('400: the body is not JSON.'),
  408: errorAnswer('408: the body did not arrive in time.'),
  413: errorAnswer('413: the body is too large.'),
  415: errorAnswer('415: the content type is not JSON.'),
}

export const subjectParams = Type.Object({
  subject: Type.String({ description: '`<topic>-value`.' }),
})

export const subjectVersionParams = Type.Object({
  ...subjectParams.properties,
  version: Type.String({ description: 'A number, `latest` or `-1`.' }),
})

export const idParams = Type.Object({
  id: Type.Integer({
    minimum: 0,
    maximum: 2_147_483_647,
    description: "Bytes 1 to 4 of a record's value, big-endian.",
  }),
})

/** Clients send these on and off, in any case: Java `true`, Python `True`. */
export const flag = Type.Optional(Type.String({ maxLength: 16, description: '`true` or `false`.' }))

export function isSet(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true'
}

/** What a client says of a schema; more keys are ignored. */
export const schemaBody = Type.Object({
  schema: Type.String({ description: 'Avro schema as JSON text.' }),
  schemaType: Type.Optional(Type.String({ description: '`AVRO`, also when left out.' })),
  references: Type.Optional(Type.Union([Type.Array(Type.Unknown()), Type.Null()])),
})

export const registeredSchema = Type.Object(
  {
    subject: Type.String(),
    version: Type.Integer(),
    id: Type.Integer(),
    schema: Type.String({ description: 'Avro schema as JSON text.' }),
  },
  { title: 'RegisteredSchema' },
)

export function describe({ subject, version }: SubjectVersion) {
  return { subject, version: version.n, id: version.schemaId, schema: version.schemaText }
}

/** Part of a list that `offset` and `limit` ask for; a negative limit is none. */
export const pageQuery = {
  offset: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
  limit: Type.Optional(Type.Integer({ default: -1, description: 'Negative: all.' })),
}

export function page<T>(
  list: readonly T[],
  { offset = 0, limit = -1 }: { readonly offset?: number; readonly limit?: number },
): T[] {
  return list.slice(offset, limit < 0 ? undefined : offset + limit)
}
