import type { DataType, DataType_StructField } from '../generated/spark/connect/types_pb.js'

/** A column (or a field of a struct). */
export type Column = {
  name: string
  /** Spark's DDL name, e.g. `bigint`, `decimal(10,2)`, `struct<a: int NOT NULL, b: array<string>>`. */
  type: string
  nullable: boolean
  /** The same type taken apart. */
  dataType: ColumnType
}

export type ColumnType =
  | { kind: 'simple'; ddl: string }
  | { kind: 'decimal'; ddl: string; precision: number; scale: number }
  | { kind: 'array'; ddl: string; element: ColumnType; containsNull: boolean }
  | { kind: 'map'; ddl: string; key: ColumnType; value: ColumnType; valueContainsNull: boolean }
  | { kind: 'struct'; ddl: string; fields: Column[] }

const SIMPLE: Record<string, string> = {
  null: 'void',
  binary: 'binary',
  boolean: 'boolean',
  byte: 'tinyint',
  short: 'smallint',
  integer: 'int',
  long: 'bigint',
  float: 'float',
  double: 'double',
  date: 'date',
  timestamp: 'timestamp',
  timestampNtz: 'timestamp_ntz',
  calendarInterval: 'interval',
  variant: 'variant',
}

const YEAR_MONTH = ['year', 'month']
const DAY_TIME = ['day', 'hour', 'minute', 'second']

/** The columns of a relation's schema, which Spark sends as a struct. */
export function columnsOf(schema: DataType): Column[] {
  if (schema.kind.case !== 'struct')
    throw new TypeError(`expected a struct, got ${schema.kind.case}`)
  return schema.kind.value.fields.map(column)
}

function column(field: DataType_StructField): Column {
  if (field.dataType === undefined) throw new TypeError(`field ${field.name} has no type`)
  const dataType = columnType(field.dataType)
  return { name: field.name, type: dataType.ddl, nullable: field.nullable, dataType }
}

function columnType({ kind }: DataType): ColumnType {
  switch (kind.case) {
    case 'decimal': {
      const { precision = 10, scale = 0 } = kind.value
      return { kind: 'decimal', ddl: `decimal(${precision},${scale})`, precision, scale }
    }
    case 'array': {
      const element = required(kind.value.elementType)
      const { containsNull } = kind.value
      return { kind: 'array', ddl: `array<${element.ddl}>`, element, containsNull }
    }
    case 'map': {
      const key = required(kind.value.keyType)
      const value = required(kind.value.valueType)
      const { valueContainsNull } = kind.value
      return { kind: 'map', ddl: `map<${key.ddl},${value.ddl}>`, key, value, valueContainsNull }
    }
    case 'struct': {
      const fields = kind.value.fields.map(column)
      const ddl = fields.map(
        ({ name, type, nullable }) => `${quoted(name)}: ${type}${nullable ? '' : ' NOT NULL'}`,
      )
      return { kind: 'struct', ddl: `struct<${ddl.join(', ')}>`, fields }
    }
    default:
      return { kind: 'simple', ddl: simple(kind) }
  }
}

function simple(kind: DataType['kind']): string {
  switch (kind.case) {
    case 'string': {
      const { collation } = kind.value
      return collation === '' || collation === 'UTF8_BINARY'
        ? 'string'
        : `string collate ${collation}`
    }
    case 'char':
      return `char(${kind.value.length})`
    case 'varChar':
      return `varchar(${kind.value.length})`
    case 'time':
      return `time(${kind.value.precision ?? 6})`
    case 'yearMonthInterval':
      return interval(YEAR_MONTH, kind.value.startField ?? 0, kind.value.endField ?? 1)
    case 'dayTimeInterval':
      return interval(DAY_TIME, kind.value.startField ?? 0, kind.value.endField ?? 3)
    case 'unparsed':
      return kind.value.dataTypeString
    default: {
      const name = SIMPLE[kind.case ?? '']
      if (name === undefined) throw new TypeError(`columns of type ${kind.case} are not supported`)
      return name
    }
  }
}

function interval(units: string[], start: number, end: number): string {
  return start === end ? `interval ${units[start]}` : `interval ${units[start]} to ${units[end]}`
}

function required(type: DataType | undefined): ColumnType {
  if (type === undefined) throw new TypeError('a nested type is missing in the schema')
  return columnType(type)
}

function quoted(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : `\`${name.replaceAll('`', '``')}\``
}
