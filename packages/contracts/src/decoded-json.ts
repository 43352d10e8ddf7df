import type { LogicalType, RecordSchema, Schema } from './schema.ts'
import { formatDate, formatTime, formatTimestamp } from './temporal-format.ts'

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue }

/** avsc's value (longs as bigint, unions wrapped) as JSON in the forms that `encode` takes. */
export function jsonOf(schema: Schema, value: unknown): JsonValue {
  if ('logical' in schema && schema.logical !== undefined) return logicalJson(schema.logical, value)
  switch (schema.type) {
    case 'long':
      return longJson(value as bigint)
    case 'bytes':
    case 'fixed':
      return (value as Buffer).toString('base64')
    case 'array':
      return (value as unknown[]).map((item) => jsonOf(schema.items, item))
    case 'map':
      return objectOf(Object.entries(value as object), () => schema.values)
    case 'record':
      return recordJson(schema, value as Readonly<Record<string, unknown>>)
    case 'union': {
      if (value === null) return null
      const [[name, item] = ['', undefined]] = Object.entries(value as object)
      const branch = schema.branches.find(
        (candidate) => name === ('name' in candidate ? candidate.name : candidate.type),
      )
      if (branch === undefined) throw new TypeError(`the union has no branch ${name}`)
      return jsonOf(branch, item)
    }
    default:
      return value as JsonValue
  }
}

function recordJson(schema: RecordSchema, value: Readonly<Record<string, unknown>>): JsonValue {
  const schemas = new Map(schema.fields.map((field) => [field.name, field.schema]))
  const entries = schema.fields.map((field) => [field.name, value[field.name]] as [string, unknown])
  return objectOf(entries, (name) => schemas.get(name) ?? { type: 'null' })
}

/** `__proto__` becomes a key like others. */
function objectOf(entries: [string, unknown][], schemaOf: (name: string) => Schema): JsonValue {
  return Object.fromEntries(entries.map(([name, item]) => [name, jsonOf(schemaOf(name), item)]))
}

function longJson(value: bigint): JsonValue {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

function logicalJson(logical: LogicalType, value: unknown): JsonValue {
  switch (logical.name) {
    case 'uuid':
      return String(value)
    case 'decimal':
      return decimalText(value as Buffer, logical.scale)
    case 'date':
      return formatDate(Number(value))
    case 'time-millis':
      return formatTime(Number(value) * 1000, 3)
    case 'time-micros':
      return formatTime(Number(value), 6)
    case 'timestamp-millis':
      return `${formatTimestamp((value as bigint) * 1000n, 3)}Z`
    case 'timestamp-micros':
      return `${formatTimestamp(value as bigint, 6)}Z`
    case 'local-timestamp-millis':
      return formatTimestamp((value as bigint) * 1000n, 3)
    case 'local-timestamp-micros':
      return formatTimestamp(value as bigint, 6)
  }
}

function decimalText(bytes: Buffer, scale: number): string {
  const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex') || '0'}`))
  const sign = unscaled < 0n ? '-' : ''
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  if (scale === 0) return sign + digits
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
