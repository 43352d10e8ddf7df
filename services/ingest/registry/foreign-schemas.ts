import {
  type ForeignSchema,
  ForeignSchemaError,
  parseForeignSchema,
} from '@kappa/contracts/foreign-schema'
import type { Static } from 'typebox'
import { RegistryError } from './registry-error.ts'
import type { schemaBody } from './registry-schemas.ts'

const messageLengthMax = 4_000

/** @throws RegistryError `invalid_schema`, saying everything that is wrong with it */
export function readForeignSchema(body: Static<typeof schemaBody>): ForeignSchema {
  if (body.schemaType !== undefined && body.schemaType !== 'AVRO') {
    const type = body.schemaType.slice(0, 40)
    throw new RegistryError('invalid_schema', `The schema's type is "${type}"; contracts are AVRO.`)
  }
  if (body.references && body.references.length > 0) {
    throw new RegistryError(
      'invalid_schema',
      'The schema refers to others: write it as one document.',
    )
  }
  try {
    return parseForeignSchema(body.schema)
  } catch (error) {
    if (!(error instanceof ForeignSchemaError)) throw error
    const message = `The schema cannot be used: ${error.message}`
    throw new RegistryError('invalid_schema', message.slice(0, messageLengthMax), { cause: error })
  }
}
