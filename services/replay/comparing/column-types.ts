import { quoteName } from '@kappa/applications/spark-sql'
import type { ViewColumn } from '@kappa/applications/view-plan'
import type { ColumnType } from '@kappa/spark-connect/schema'
import type { SparkSession } from '@kappa/spark-connect/session'

const readable = new Set(
  'boolean tinyint smallint int bigint float double string binary date timestamp timestamp_ntz'.split(
    ' ',
  ),
)
const numeric = new Set('tinyint smallint int bigint float double'.split(' '))

/**
 * The types of a view's columns, taken apart by Spark itself, as `from_json` can read them back:
 * what it cannot (keys of maps other than text, variants, intervals, …) is read as the text that
 * `to_json` has written. Nullability is no part of them.
 */
export async function readableTypes(
  session: SparkSession,
  columns: readonly ViewColumn[],
): Promise<Map<string, ColumnType>> {
  const nulls = columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${quoteName(name)}`)
  const schema = await session.sql(`SELECT ${nulls.join(', ')}`).schema()
  return new Map(schema.map(({ name, dataType }) => [name, readableType(dataType)]))
}

function readableType(type: ColumnType): ColumnType {
  switch (type.kind) {
    case 'simple':
      return readable.has(type.ddl) ? type : text
    case 'decimal':
      return type
    case 'array': {
      const element = readableType(type.element)
      return { ...type, element, ddl: `array<${element.ddl}>` }
    }
    case 'map': {
      const value = readableType(type.value)
      return { ...type, key: text, value, ddl: `map<string, ${value.ddl}>` }
    }
    case 'struct': {
      const fields = type.fields.map((field) => {
        const dataType = readableType(field.dataType)
        return { ...field, dataType, type: dataType.ddl }
      })
      const ddl = fields.map((field) => `${quoteName(field.name)}: ${field.type}`)
      return { kind: 'struct', fields, ddl: `struct<${ddl.join(', ')}>` }
    }
  }
}

const text: ColumnType = { kind: 'simple', ddl: 'string' }

export function isFloating(type: ColumnType): boolean {
  return type.ddl === 'double' || type.ddl === 'float'
}

export function isNumeric(type: ColumnType): boolean {
  return type.kind === 'decimal' || numeric.has(type.ddl)
}

/** Whether a value of this type is, or holds, a floating number. */
export function holdsFloating(type: ColumnType): boolean {
  return partsOf(type).some(isFloating)
}

/** Whether a value of this type is, or holds, a map: Spark cannot compare those. */
export function holdsMap(type: ColumnType): boolean {
  return partsOf(type).some(({ kind }) => kind === 'map')
}

function partsOf(type: ColumnType): ColumnType[] {
  switch (type.kind) {
    case 'array':
      return [type, ...partsOf(type.element)]
    case 'map':
      return [type, ...partsOf(type.value)]
    case 'struct':
      return [type, ...type.fields.flatMap(({ dataType }) => partsOf(dataType))]
    default:
      return [type]
  }
}
