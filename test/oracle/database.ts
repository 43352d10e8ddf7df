import {
  type DuckDBConnection,
  DuckDBDateValue,
  DuckDBInstance,
  DuckDBTimestampValue,
  DuckDBTypeId,
  type DuckDBValue,
} from '@duckdb/node-api'

/** A value as it can be compared with JSON: timestamps as `2013-01-01T05:00:00.000000Z` (UTC). */
export type Value = string | number | bigint | boolean | null
export type Row = Readonly<Record<string, Value>>

/** Rows and the names of those columns that are floating-point numbers. */
export type Table = { readonly rows: Row[]; readonly doubles: ReadonlySet<string> }

/** A DuckDB database in memory, apart from all others, with its clock on UTC. */
export class Database implements Disposable {
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance
    this.#connection = connection
  }

  static async open(): Promise<Database> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
    const database = new Database(instance, await instance.connect())
    await database.run("SET TimeZone = 'UTC'")
    return database
  }

  /** Runs one or more statements. */
  async run(sql: string): Promise<void> {
    await this.#connection.run(sql)
  }

  /** Runs a query; `$1`, `$2`… stand for the parameters. */
  async query(sql: string, parameters: (string | number | bigint)[] = []): Promise<Table> {
    const reader = await this.#connection.runAndReadAll(sql, parameters)
    const doubles = new Set(
      reader.columnNames().filter((_, index) => reader.columnTypeId(index) === DuckDBTypeId.DOUBLE),
    )
    const rows = reader.getRowObjects().map((row) => {
      const entries = Object.entries(row).map(([column, value]) => [column, comparable(value)])
      return Object.fromEntries(entries) as Row
    })
    return { rows, doubles }
  }

  [Symbol.dispose](): void {
    this.#connection.closeSync()
    this.#instance.closeSync()
  }
}

/** A text as a SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function comparable(value: DuckDBValue): Value {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : value
  }
  if (value instanceof DuckDBTimestampValue) return timestampText(value.micros)
  if (value instanceof DuckDBDateValue) return value.toString()
  throw new Error(`The oracle has no comparable form for ${String(value)}: cast it in its SQL`)
}

function timestampText(epoch_us: bigint): string {
  const micros = ((epoch_us % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = new Date(Number((epoch_us - micros) / 1000n)).toISOString().slice(0, 19)
  return `${seconds}.${String(micros).padStart(6, '0')}Z`
}
