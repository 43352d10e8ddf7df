import type { BinaryWriter } from './binary-writer.ts'
import { describeSchema, type RecordSchema, type Schema } from './schema.ts'

/** A default in Avro's own JSON form does not fit its type. */
class DefaultError extends Error {}

/** Says what is wrong with a default, or undefined when it is valid. */
export function checkDefault(schema: Schema, value: unknown): string | undefined {
  try {
    walkDefault(schema, value, undefined)
    return undefined
  } catch (error) {
    if (error instanceof DefaultError) return error.message
    throw error
  }
}

/** Writes a default that `checkDefault` found valid. */
export function writeDefault(schema: Schema, value: unknown, writer: BinaryWriter): void {
  walkDefault(schema, value, writer)
}

const depthMax = 64

/**
 * Defaults are in Avro's JSON encoding, not in the forms that events use: bytes and fixed as
 * text with code points 0 to 255, logical types as their numbers, a union as a value of its
 * first type (specification 1.12, "Complex Types", table of defaults).
 */
function walkDefault(
  schema: Schema,
  value: unknown,
  writer: BinaryWriter | undefined,
  depth = 0,
): void {
  if (depth > depthMax) throw new DefaultError(`it is nested deeper than ${depthMax} levels`)
  switch (schema.type) {
    case 'null':
      expect(value === null, schema, value)
      break
    case 'boolean':
      expect(typeof value === 'boolean', schema, value)
      writer?.byte(value === true ? 1 : 0)
      break
    case 'int':
      expect(typeof value === 'number' && value === (value | 0), schema, value)
      writer?.int(Number(value))
      break
    case 'long':
      expect(Number.isSafeInteger(value) || isInt64(value), schema, value)
      writer?.bigLong(BigInt(value as number | bigint))
      break
    case 'float':
    case 'double':
      expect(typeof value === 'number' || typeof value === 'bigint', schema, value)
      writer?.[schema.type](Number(value))
      break
    case 'string':
      expect(typeof value === 'string' && value.isWellFormed(), schema, value)
      writer?.string(String(value))
      break
    case 'bytes': {
      const bytes = latin1(value)
      expect(bytes !== undefined, schema, value)
      writer?.bytes(bytes)
      break
    }
    case 'fixed': {
      const bytes = latin1(value)
      expect(bytes?.length === schema.size, schema, value)
      if (bytes !== undefined) writer?.raw(bytes)
      break
    }
    case 'enum': {
      const index = schema.symbols.indexOf(value as string)
      expect(index !== -1, schema, value)
      writer?.int(index)
      break
    }
    case 'array':
      expect(Array.isArray(value), schema, value)
      if (value.length > 0) writer?.int(value.length)
      for (const item of value as unknown[]) walkDefault(schema.items, item, writer, depth + 1)
      writer?.byte(0)
      break
    case 'map': {
      expect(isObject(value), schema, value)
      const entries = Object.entries(value)
      if (entries.length > 0) writer?.int(entries.length)
      for (const [key, item] of entries) {
        writer?.string(key)
        walkDefault(schema.values, item, writer, depth + 1)
      }
      writer?.byte(0)
      break
    }
    case 'union': {
      const [first] = schema.branches
      expect(first !== undefined, schema, value)
      writer?.int(0)
      walkFirst(first, value, writer, depth)
      break
    }
    case 'record':
      expect(isObject(value), schema, value)
      walkRecord(schema, value, writer, depth)
  }
}

function walkFirst(
  first: Schema,
  value: unknown,
  writer: BinaryWriter | undefined,
  depth: number,
): void {
  try {
    walkDefault(first, value, writer, depth + 1)
  } catch (error) {
    if (!(error instanceof DefaultError) || depth > 0) throw error
    throw new DefaultError(`${error.message} (a union's default is of its first type)`)
  }
}

function walkRecord(
  schema: RecordSchema,
  value: Readonly<Record<string, unknown>>,
  writer: BinaryWriter | undefined,
  depth: number,
): void {
  for (const name of Object.keys(value)) {
    if (!schema.fields.some((field) => field.name === name)) {
      throw new DefaultError(`record ${schema.name} has no field "${name}"`)
    }
  }
  for (const field of schema.fields) {
    const given = Object.hasOwn(value, field.name) ? value[field.name] : field.default
    if (given === undefined) {
      throw new DefaultError(`field "${field.name}" of record ${schema.name} is missing`)
    }
    walkDefault(field.schema, given, writer, depth + 1)
  }
}

function expect(fits: boolean, schema: Schema, value: unknown): asserts fits {
  if (fits) return
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value)
  throw new DefaultError(`expected ${describeSchema(schema)}, got ${text?.slice(0, 80)}`)
}

function isInt64(value: unknown): boolean {
  return typeof value === 'bigint' && BigInt.asIntN(64, value) === value
}

function latin1(value: unknown): Buffer | undefined {
  if (typeof value !== 'string') return undefined
  for (let index = 0; index < value.length; index++) {
    if (value.charCodeAt(index) > 0xff) return undefined
  }
  return Buffer.from(value, 'latin1')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
