import { tableFromIPC } from 'apache-arrow'
import type { Column, ColumnType } from './schema.ts'

/**
 * A value of a row: exact and JSON-friendly.
 * `tinyint`, `smallint`, `int`, `float`, `double` → number; `bigint` → bigint; `decimal` → string;
 * `timestamp`, `timestamp_ntz` → `2013-01-01T05:00:00.000000Z` (UTC, six fraction digits; without Z for ntz);
 * `date` → `2013-01-01`; `binary` → Uint8Array; arrays, structs → arrays, objects; maps → [key, value] pairs.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Value[]
  | { [field: string]: Value }

export type Row = { [column: string]: Value }

/** Turns the Arrow batches of a result into rows, by the Spark schema that precedes them. */
export class RowDecoder {
  readonly rows: Row[] = []
  readonly #rowsMax: number
  #columns: Column[] = []

  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax
  }

  schema(columns: Column[]): void {
    this.#columns = columns
  }

  /** `data`: one Arrow IPC stream, schema included. */
  batch(data: Uint8Array): void {
    const table = tableFromIPC(data)
    if (this.rows.length + table.numRows > this.#rowsMax) {
      throw new RangeError(`the result has more than rowsMax = ${this.#rowsMax} rows`)
    }
    const vectors = this.#columns.map((column, index) => ({
      column,
      vector: table.getChildAt(index),
    }))
    for (let row = 0; row < table.numRows; row++) {
      const entries = vectors.map(
        ({ column, vector }) =>
          [column.name, exactValue(vector?.get(row), column.dataType)] as const,
      )
      this.rows.push(Object.fromEntries(entries))
    }
  }
}

function exactValue(value: unknown, type: ColumnType): Value {
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'decimal':
      return decimalText(value, type.scale)
    case 'array':
      return [...(value as Iterable<unknown>)].map((item) => exactValue(item, type.element))
    case 'map':
      return [...(value as Iterable<[unknown, unknown]>)].map(([key, item]) => [
        exactValue(key, type.key),
        exactValue(item, type.value),
      ])
    case 'struct': {
      const struct = value as Record<string, unknown>
      const entries = type.fields.map(({ name, dataType }) => [
        name,
        exactValue(struct[name], dataType),
      ])
      return Object.fromEntries(entries)
    }
    case 'simple':
      return simpleValue(value, type.ddl)
  }
}

function simpleValue(value: unknown, ddl: string): Value {
  if (ddl === 'timestamp') return `${timestampText(Number(value))}Z`
  if (ddl === 'timestamp_ntz') return timestampText(Number(value))
  if (ddl === 'date') return new Date(Number(value)).toISOString().slice(0, 10)
  switch (typeof value) {
    case 'boolean':
    case 'number':
    case 'bigint':
    case 'string':
      return value
    default:
      if (value instanceof Uint8Array) return value
      throw new TypeError(`collect can't represent columns of type ${ddl}: cast them in the query`)
  }
}

/** Arrow gives milliseconds with the microseconds as a fraction: exact to the year 2255. */
function timestampText(epochMs: number): string {
  const micros = Math.round(epochMs * 1000)
  const seconds = Math.floor(micros / 1_000_000)
  const fraction = String(micros - seconds * 1_000_000).padStart(6, '0')
  return `${new Date(seconds * 1000).toISOString().slice(0, -5)}.${fraction}`
}

/** Arrow gives a decimal as the words of a little-endian two's complement integer, without its scale. */
function decimalText(value: unknown, scale: number): string {
  const words = value as Uint32Array
  const bits = words.length * 32
  let unscaled = 0n
  for (let index = words.length - 1; index >= 0; index--) {
    unscaled = (unscaled << 32n) | BigInt(words[index] ?? 0)
  }
  unscaled = BigInt.asIntN(bits, unscaled)
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  if (scale === 0) return `${sign}${digits}`
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
