import { type Mismatch, type ResolutionRule, resolve } from './resolution.ts'
import { describeSchema, type JsonPath, type Schema } from './schema.ts'

/**
 * What a new version has to be compatible with, in the words of the Schema Registry: `backward`:
 * it reads events of the version before; `forward`: the version before reads its events; `full`:
 * both; `…_transitive`: with every earlier version and not only the one before.
 */
export const compatibilityModes = [
  'full_transitive',
  'full',
  'backward_transitive',
  'backward',
  'forward_transitive',
  'forward',
  'none',
] as const

export type CompatibilityMode = (typeof compatibilityModes)[number]

/** Releases keep the reader that they were started with, and read history of every version. */
export const defaultCompatibility: CompatibilityMode = 'full_transitive'

export function isCompatibilityMode(value: unknown): value is CompatibilityMode {
  return (compatibilityModes as readonly unknown[]).includes(value)
}

export interface NumberedSchema {
  readonly n: number
  readonly schema: Schema
  /** How messages call it; `version <n>` when left out. */
  readonly name?: string
}

export interface EvolutionProblem {
  readonly direction: 'backward' | 'forward'
  readonly rule: ResolutionRule
  /** The earlier version. */
  readonly against: number
  /** Names of fields from the root, joined with dots; empty for the record itself. */
  readonly field: string
  readonly message: string
  /** Where to look in the JSON of the newer schema. */
  readonly path: JsonPath
}

/** Everything that keeps `newer` from following `earlier` (ascending) under the mode. */
export function checkEvolution(
  earlier: readonly NumberedSchema[],
  newer: NumberedSchema,
  mode: CompatibilityMode,
): EvolutionProblem[] {
  if (mode === 'none') return []
  const compared = mode.endsWith('_transitive') ? earlier : earlier.slice(-1)
  return compared.flatMap((older) => {
    const problems: EvolutionProblem[] = []
    if (!mode.startsWith('forward')) {
      problems.push(
        ...resolve(newer.schema, older.schema).map((found) =>
          describe('backward', older, newer, found),
        ),
      )
    }
    if (!mode.startsWith('backward')) {
      problems.push(
        ...resolve(older.schema, newer.schema).map((found) =>
          describe('forward', older, newer, found),
        ),
      )
    }
    return problems
  })
}

type Advice = Readonly<Record<EvolutionProblem['direction'], string>>

const keepType: Advice = {
  backward: 'leave the field as it was, and add one with another name',
  forward: 'leave the field as it was, and add one with another name',
}

const advice: Readonly<Record<ResolutionRule, Advice>> = {
  missing_default: {
    backward: 'give the field a default',
    forward: 'keep the field: the earlier version has no default for it',
  },
  enum_symbols: {
    backward: 'keep the symbols, or give the enum a default',
    forward: 'the earlier enum has no default: add a field with a new enum',
  },
  name: { backward: 'keep the name, or add an alias', forward: 'keep the name' },
  union: {
    backward: 'keep all types of the union',
    forward: 'keep the types of the union: the earlier version does not know others',
  },
  type: keepType,
  logical_type: keepType,
  fixed_size: keepType,
}

function describe(
  direction: 'backward' | 'forward',
  older: NumberedSchema,
  newer: NumberedSchema,
  mismatch: Mismatch,
): EvolutionProblem {
  const [reader, writer] = direction === 'backward' ? [newer, older] : [older, newer]
  const field = mismatch.path.join('.').replaceAll('.[]', '[]').replaceAll('.{}', '{}')
  const place = field === '' ? describeSchema(newer.schema) : `field "${field}"`
  const fields = newer.schema.type === 'record' ? newer.schema.fields : []
  const index = fields.findIndex(({ name }) => name === mismatch.path[0])
  return {
    direction,
    rule: mismatch.rule,
    against: older.n,
    field,
    message:
      `not ${direction} compatible with version ${older.n}: ${place} (rule ${mismatch.rule}): ${mismatch.message}` +
      ` [reader: ${nameOf(reader)}, writer: ${nameOf(writer)}]; ${advice[mismatch.rule][direction]}`,
    path: index === -1 ? [] : ['fields', index],
  }
}

function nameOf({ n, name }: NumberedSchema): string {
  return name ?? `version ${n}`
}
