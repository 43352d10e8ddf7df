import type { LogicalType, Schema } from './schema.ts'
import { didYouMean } from './suggest.ts'

/** What each logical type may be put on (Avro specification 1.12, "Logical Types"). */
const carriers: Readonly<Record<string, readonly string[]>> = {
  decimal: ['bytes', 'fixed'],
  uuid: ['string'],
  date: ['int'],
  'time-millis': ['int'],
  'time-micros': ['long'],
  'timestamp-millis': ['long'],
  'timestamp-micros': ['long'],
  'local-timestamp-millis': ['long'],
  'local-timestamp-micros': ['long'],
}

/** Spark's DecimalType holds no more digits. */
const precisionMax = 38

/** Reads `logicalType` (and precision and scale) of a type that is parsed without it. */
export function parseLogicalType(
  json: Readonly<Record<string, unknown>>,
  schema: Schema,
): LogicalType | { readonly problem: string } {
  const name = String(json.logicalType)
  const allowed = Object.hasOwn(carriers, name) ? carriers[name] : undefined
  if (allowed === undefined) {
    const known = Object.keys(carriers)
    return {
      problem: `unknown logical type "${name}"${didYouMean(name, known)}; known: ${known.join(', ')}`,
    }
  }
  if (!allowed.includes(schema.type)) {
    return { problem: `${name} needs the type ${allowed.join(' or ')}, got ${schema.type}` }
  }
  if (name !== 'decimal') return { name } as LogicalType
  const { precision, scale = 0 } = json
  if (!isWhole(precision) || precision < 1 || precision > precisionMax) {
    return {
      problem: `a decimal needs "precision", 1 to ${precisionMax}, got ${String(precision)}`,
    }
  }
  if (!isWhole(scale) || scale < 0 || scale > precision) {
    return { problem: `"scale" is 0 to the precision ${precision}, got ${String(scale)}` }
  }
  if (schema.type === 'fixed' && precision > digitsIn(schema.size)) {
    return {
      problem: `${schema.size} bytes hold ${digitsIn(schema.size)} digits, the precision is ${precision}`,
    }
  }
  return { name, precision, scale }
}

function digitsIn(bytes: number): number {
  return Math.floor((8 * bytes - 1) * Math.log10(2))
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value)
}
