import { type CompatibilityMode, checkEvolution } from './compatibility.ts'
import type { Contract, ContractVersion } from './contract.ts'
import { isDeeperThan, parseExactJson } from './exact-json.ts'
import { parseSchema } from './parse-schema.ts'
import type { Schema } from './schema.ts'
import { normalizeSchema, schemaIdOf } from './schema-id.ts'

/** A schema that came from outside, as from a client of the registry's API. */
export interface ForeignSchema {
  readonly schema: Schema
  /** Equal for schemas that are the same to Avro, see `normalizeSchema`. */
  readonly normalized: string
  readonly schemaId: number
}

/** The text is not an Avro schema that Kappa knows. Says everything that is wrong. */
export class ForeignSchemaError extends Error {
  readonly code = 'invalid_schema'
  /** Each with its place: `$.fields[2].type: unknown type "strin" (did you mean "string"?)`. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ForeignSchemaError'
    this.problems = problems
  }
}

const textLengthMax = 1_048_576
const depthMax = 200
const messagesMax = 100

/**
 * Parses the JSON text of a schema: at most 1,048,576 characters, 200 levels deep.
 *
 * @throws ForeignSchemaError
 */
export function parseForeignSchema(text: string): ForeignSchema {
  if (text.length > textLengthMax) {
    throw new ForeignSchemaError([
      `the schema has ${text.length} characters, at most ${textLengthMax} are read`,
    ])
  }
  if (isDeeperThan(depthMax, text)) {
    throw new ForeignSchemaError([`the schema is nested deeper than ${depthMax} levels`])
  }
  const json = parse(text)
  const { schema, problems } = parseSchema(json)
  if (schema === undefined) {
    throw new ForeignSchemaError(
      problems.map(({ path, message }) => `$${path.map(segment).join('')}: ${message}`),
    )
  }
  return { schema, normalized: normalizeSchema(json), schemaId: schemaIdOf(json) }
}

/** The version of the topic that is the same schema, however it is written. */
export function findEqualVersion(
  contract: Contract,
  foreign: ForeignSchema,
): ContractVersion | undefined {
  // Loading contracts refuses two different schemas with one id, but this one was not among them.
  return contract.versions.find(
    ({ schemaId, schemaText }) =>
      schemaId === foreign.schemaId &&
      normalizeSchema(parseExactJson(schemaText)) === foreign.normalized,
  )
}

/**
 * What keeps a foreign schema from following the given versions (ascending) under the mode; empty
 * when nothing does, at most 100. A mode that is not transitive looks at the last version only.
 */
export function checkForeignSchema(
  foreign: ForeignSchema,
  versions: readonly ContractVersion[],
  mode: CompatibilityMode,
): string[] {
  const last = versions.at(-1)
  if (last === undefined) return []
  const newer = { n: last.n + 1, schema: foreign.schema, name: 'the new schema' }
  return checkEvolution(versions, newer, mode)
    .slice(0, messagesMax)
    .map(({ message }) => message)
}

function parse(text: string): unknown {
  try {
    return parseExactJson(text)
  } catch (error) {
    throw new ForeignSchemaError([`not valid JSON: ${(error as Error).message}`])
  }
}

function segment(part: string | number): string {
  return typeof part === 'number' ? `[${part}]` : `.${part}`
}
