/** The parsed model of an Avro schema: names resolved, logical types known, everything checked. */

export type PrimitiveName =
  | 'null'
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'bytes'
  | 'string'

export type LogicalType =
  | { readonly name: 'decimal'; readonly precision: number; readonly scale: number }
  | {
      readonly name:
        | 'uuid'
        | 'date'
        | 'time-millis'
        | 'time-micros'
        | 'timestamp-millis'
        | 'timestamp-micros'
        | 'local-timestamp-millis'
        | 'local-timestamp-micros'
    }

export interface PrimitiveSchema {
  readonly type: PrimitiveName
  readonly logical?: LogicalType
}

export interface Field {
  readonly name: string
  readonly aliases: readonly string[]
  readonly schema: Schema
  /** Avro's JSON form of the default; undefined when there is none (null is a default). */
  readonly default: unknown
  readonly doc?: string
}

/** `fields` is filled after the object exists, because a record may contain itself. */
export interface RecordSchema {
  readonly type: 'record'
  readonly name: string
  readonly aliases: readonly string[]
  readonly doc?: string
  readonly fields: Field[]
}

export interface EnumSchema {
  readonly type: 'enum'
  readonly name: string
  readonly aliases: readonly string[]
  readonly doc?: string
  readonly symbols: readonly string[]
  readonly default?: string
}

export interface FixedSchema {
  readonly type: 'fixed'
  readonly name: string
  readonly aliases: readonly string[]
  readonly doc?: string
  readonly size: number
  readonly logical?: LogicalType
}

export interface ArraySchema {
  readonly type: 'array'
  readonly items: Schema
}

export interface MapSchema {
  readonly type: 'map'
  readonly values: Schema
}

export interface UnionSchema {
  readonly type: 'union'
  readonly branches: readonly Schema[]
}

export type NamedSchema = RecordSchema | EnumSchema | FixedSchema
export type Schema = PrimitiveSchema | NamedSchema | ArraySchema | MapSchema | UnionSchema

/** Where a value lies in a JSON document: keys and indexes from the root. */
export type JsonPath = readonly (string | number)[]

export interface SchemaProblem {
  readonly path: JsonPath
  readonly message: string
}

/** Short name of a type for messages: `long (timestamp-millis)`, `record Flight`, `null or string`. */
export function describeSchema(schema: Schema): string {
  switch (schema.type) {
    case 'record':
    case 'enum':
    case 'fixed':
      return `${schema.type} ${schema.name}`
    case 'array':
      return `array of ${describeSchema(schema.items)}`
    case 'map':
      return `map of ${describeSchema(schema.values)}`
    case 'union':
      return schema.branches.map(describeSchema).join(' or ')
    default:
      return schema.logical === undefined ? schema.type : `${schema.type} (${schema.logical.name})`
  }
}
