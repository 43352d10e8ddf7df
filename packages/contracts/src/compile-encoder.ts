import { arrayEncoder, mapEncoder } from './encode-collection.ts'
import type { ValueEncoder } from './encode-context.ts'
import { decimalEncoder } from './encode-decimal.ts'
import { recordEncoder } from './encode-record.ts'
import {
  booleanEncoder,
  bytesEncoder,
  doubleEncoder,
  enumEncoder,
  fixedEncoder,
  floatEncoder,
  intEncoder,
  longEncoder,
  nullEncoder,
  stringEncoder,
  uuidEncoder,
} from './encode-scalar.ts'
import { dateEncoder, timeEncoder, timestampEncoder } from './encode-temporal.ts'
import { unionEncoder } from './encode-union.ts'
import type { Field, LogicalType, PrimitiveName, RecordSchema, Schema } from './schema.ts'

const primitiveEncoders: Readonly<Record<PrimitiveName, ValueEncoder>> = {
  null: nullEncoder,
  boolean: booleanEncoder,
  int: intEncoder,
  long: longEncoder,
  float: floatEncoder,
  double: doubleEncoder,
  bytes: bytesEncoder,
  string: stringEncoder,
}

/** Gives a field of the event's record another encoder than that of its schema. */
export type WrapField = (field: Field, encoder: ValueEncoder) => ValueEncoder

/**
 * Builds the encoder of an event's schema once; it validates and writes in one pass. `wrap` also
 * meets the fields of records of this schema inside the event.
 */
export function compileEncoder(schema: RecordSchema, wrap: WrapField): ValueEncoder {
  const records = new Map<RecordSchema, ValueEncoder>()

  function compile(part: Schema): ValueEncoder {
    switch (part.type) {
      case 'record':
        return compileRecord(part)
      case 'enum':
        return enumEncoder(part)
      case 'fixed':
        return part.logical === undefined
          ? fixedEncoder(part.size)
          : logicalEncoder(part.logical, part.size)
      case 'array':
        return arrayEncoder(compile(part.items))
      case 'map':
        return mapEncoder(compile(part.values))
      case 'union':
        return unionEncoder(part, part.branches.map(compile))
      default:
        return part.logical === undefined
          ? primitiveEncoders[part.type]
          : logicalEncoder(part.logical)
    }
  }

  function compileRecord(record: RecordSchema): ValueEncoder {
    const known = records.get(record)
    if (known !== undefined) return known
    const encoder = recordEncoder(record, (field) => {
      const plain = compile(field.schema)
      return record === schema ? wrap(field, plain) : plain
    })
    records.set(record, encoder)
    encoder.link()
    return encoder
  }

  return compileRecord(schema)
}

function logicalEncoder(logical: LogicalType, fixedSize?: number): ValueEncoder {
  switch (logical.name) {
    case 'decimal':
      return decimalEncoder(logical.precision, logical.scale, fixedSize)
    case 'uuid':
      return uuidEncoder
    case 'date':
      return dateEncoder()
    case 'time-millis':
      return timeEncoder('millis')
    case 'time-micros':
      return timeEncoder('micros')
    case 'timestamp-millis':
      return timestampEncoder('millis', true)
    case 'timestamp-micros':
      return timestampEncoder('micros', true)
    case 'local-timestamp-millis':
      return timestampEncoder('millis', false)
    case 'local-timestamp-micros':
      return timestampEncoder('micros', false)
  }
}
