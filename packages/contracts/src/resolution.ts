import {
  describeSchema,
  type EnumSchema,
  type Field,
  type NamedSchema,
  type PrimitiveName,
  type RecordSchema,
  type Schema,
  type UnionSchema,
} from './schema.ts'

export type ResolutionRule =
  | 'type'
  | 'logical_type'
  | 'name'
  | 'missing_default'
  | 'enum_symbols'
  | 'fixed_size'
  | 'union'

/** Why a reader's schema cannot take what a writer's schema wrote. */
export interface Mismatch {
  readonly rule: ResolutionRule
  readonly message: string
  /** Names of fields from the root; `[]` for items of arrays, `{}` for values of maps. */
  readonly path: readonly string[]
}

/** From the writer's type to the reader's (Avro specification 1.12, "Schema Resolution"). */
const promotions: Readonly<Partial<Record<PrimitiveName, readonly string[]>>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
}

/**
 * Everything that keeps a reader with `reader` from resolving data written with `writer`, by the
 * rules of Avro 1.12. Stricter in one point: a value that changes its logical type is a mismatch,
 * since Avro would hand milliseconds to a reader of microseconds (`uuid` is only a check of text
 * and may come and go).
 */
export function resolve(reader: Schema, writer: Schema): Mismatch[] {
  return new Resolution().compare(reader, writer, [])
}

const depthMax = 128
/** Mismatches of a record that are told. */
const mismatchesMax = 100
/** Mismatches of a record that are told again for each further field of its type. */
const repeatedMax = 10

interface Failed {
  readonly mismatches: readonly Mismatch[]
  /** Length of the path at which they were found. */
  readonly depth: number
}

class Resolution {
  /** Pairs under comparison: a record that contains itself is assumed to match inside itself. */
  readonly #seen = new Map<Schema, Set<Schema>>()
  /** Pairs that do not match: they are not compared again, so the work is bounded by the pairs. */
  readonly #failed = new Map<Schema, Map<Schema, Failed>>()

  compare(reader: Schema, writer: Schema, path: readonly string[]): Mismatch[] {
    if (path.length > depthMax) {
      return [{ rule: 'type', message: `nested deeper than ${depthMax} levels`, path }]
    }
    if (writer.type === 'union') {
      return writer.branches.flatMap((branch) => this.#compareBranch(reader, branch, path))
    }
    if (reader.type === 'union') return this.#chooseBranch(reader, writer, path)
    const logical = compareLogical(reader, writer, path)
    if (logical !== undefined) return [logical]
    if (reader.type === 'record' && writer.type === 'record') {
      return this.#compareRecords(reader, writer, path)
    }
    if (reader.type === 'enum' && writer.type === 'enum') return compareEnums(reader, writer, path)
    if (reader.type === 'array' && writer.type === 'array') {
      return this.compare(reader.items, writer.items, [...path, '[]'])
    }
    if (reader.type === 'map' && writer.type === 'map') {
      return this.compare(reader.values, writer.values, [...path, '{}'])
    }
    if (reader.type === 'fixed' && writer.type === 'fixed') {
      if (!sameName(reader, writer)) return [differentNames(reader, writer, path)]
      if (reader.size === writer.size) return []
      const message = `fixed ${reader.name} has ${reader.size} bytes for the reader, ${writer.size} for the writer`
      return [{ rule: 'fixed_size', message, path }]
    }
    const promoted = promotions[writer.type as PrimitiveName]?.includes(reader.type) ?? false
    if (reader.type === writer.type || promoted) return []
    const message = `${describeSchema(writer)} cannot be read as ${describeSchema(reader)}`
    return [{ rule: 'type', message, path }]
  }

  #compareBranch(reader: Schema, branch: Schema, path: readonly string[]): Mismatch[] {
    const mismatches = this.compare(reader, branch, path)
    if (mismatches.length === 0 || reader.type === 'union') return mismatches
    if (mismatches.some((mismatch) => mismatch.path.length > path.length)) return mismatches
    const message = `the writer's union has ${describeSchema(branch)}, which cannot be read as ${describeSchema(reader)}`
    return [{ rule: 'union', message, path }]
  }

  #chooseBranch(reader: UnionSchema, writer: Schema, path: readonly string[]): Mismatch[] {
    let nearest: Mismatch[] | undefined
    for (const branch of reader.branches) {
      const mismatches = this.compare(branch, writer, path)
      if (mismatches.length === 0) return []
      if (branch.type === writer.type) nearest ??= mismatches
    }
    if (nearest !== undefined) return nearest
    const message = `the reader's union (${describeSchema(reader)}) has no type that reads ${describeSchema(writer)}`
    return [{ rule: 'union', message, path }]
  }

  #compareRecords(reader: RecordSchema, writer: RecordSchema, path: readonly string[]): Mismatch[] {
    if (!sameName(reader, writer)) return [differentNames(reader, writer, path)]
    const seen = this.#seen.get(reader) ?? new Set()
    if (seen.has(writer)) return []
    const failed = this.#failed.get(reader) ?? new Map<Schema, Failed>()
    const known = failed.get(writer)
    if (known !== undefined) {
      return known.mismatches
        .slice(0, repeatedMax)
        .map((found) => ({ ...found, path: [...path, ...found.path.slice(known.depth)] }))
    }
    this.#seen.set(reader, seen.add(writer))
    const found = reader.fields.flatMap((field) => {
      const written = writtenField(field, writer)
      const inner = [...path, field.name]
      if (written !== undefined) return this.compare(field.schema, written.schema, inner)
      if (field.default !== undefined) return []
      const message = `the reader needs the field "${field.name}", which the writer does not have, and there is no default for it`
      return [{ rule: 'missing_default', message, path: inner } as const]
    })
    const mismatches = found.slice(0, mismatchesMax)
    // Only what matched may be taken for matched when the pair comes again.
    if (mismatches.length > 0) {
      seen.delete(writer)
      this.#failed.set(reader, failed.set(writer, { mismatches, depth: path.length }))
    }
    return mismatches
  }
}

/** By name; else by an alias of the reader. */
function writtenField(field: Field, writer: RecordSchema): Field | undefined {
  const named = (name: string) => writer.fields.find((candidate) => candidate.name === name)
  const direct = named(field.name)
  if (direct !== undefined) return direct
  for (const alias of field.aliases) {
    const aliased = named(alias)
    if (aliased !== undefined) return aliased
  }
  return undefined
}

function compareEnums(reader: EnumSchema, writer: EnumSchema, path: readonly string[]): Mismatch[] {
  if (!sameName(reader, writer)) return [differentNames(reader, writer, path)]
  const unknown = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol))
  if (unknown.length === 0 || reader.default !== undefined) return []
  const message = `the reader's enum ${reader.name} does not know ${unknown.join(', ')} and has no default`
  return [{ rule: 'enum_symbols', message, path }]
}

function compareLogical(
  reader: Schema,
  writer: Schema,
  path: readonly string[],
): Mismatch | undefined {
  const [read, written] = [logicalText(reader), logicalText(writer)]
  if (read === written) return undefined
  const message = `${written ?? `plain ${writer.type}`} would be read as ${read ?? `plain ${reader.type}`}`
  return { rule: 'logical_type', message, path }
}

function logicalText(schema: Schema): string | undefined {
  const logical = 'logical' in schema ? schema.logical : undefined
  if (logical === undefined || logical.name === 'uuid') return undefined
  return logical.name === 'decimal'
    ? `decimal(${logical.precision}, ${logical.scale})`
    : logical.name
}

/** Unqualified names match, or one of the reader's aliases is the writer's full name. */
function sameName(reader: NamedSchema, writer: NamedSchema): boolean {
  return (
    reader.name.split('.').at(-1) === writer.name.split('.').at(-1) ||
    reader.aliases.includes(writer.name)
  )
}

function differentNames(
  reader: NamedSchema,
  writer: NamedSchema,
  path: readonly string[],
): Mismatch {
  const message = `${describeSchema(writer)} cannot be read as ${describeSchema(reader)}: the names differ and no alias says that they are one`
  return { rule: 'name', message, path }
}
