import { AnalyzePlanRequest_Explain_ExplainMode as ExplainMode } from '../generated/spark/connect/base_pb.js'
import { WriteOperation_SaveMode as SaveMode } from '../generated/spark/connect/commands_pb.js'
import { SetOperation_SetOpType as SetOpType } from '../generated/spark/connect/relations_pb.js'
import { type Row, RowDecoder } from './arrow-rows.ts'
import type { SparkClient } from './client.ts'
import { type ExecuteOptions, execute, runCommand } from './execute.ts'
import { planOf, type Relation, relationOf, sqlExpression } from './relation.ts'
import { type Column, columnsOf } from './schema.ts'
import type { StreamingQuery } from './streaming-query.ts'
import { startStream, type WriteStreamOptions } from './write-stream.ts'

const EXPLAIN_MODES = {
  simple: ExplainMode.SIMPLE,
  extended: ExplainMode.EXTENDED,
  codegen: ExplainMode.CODEGEN,
  cost: ExplainMode.COST,
  formatted: ExplainMode.FORMATTED,
}

const SAVE_MODES = {
  append: SaveMode.APPEND,
  overwrite: SaveMode.OVERWRITE,
  error: SaveMode.ERROR_IF_EXISTS,
  ignore: SaveMode.IGNORE,
}

export type CollectOptions = ExecuteOptions & {
  /** More rows than this are an error, not a cut. Default 10,000. */
  rowsMax?: number
}

export type WriteOptions = ExecuteOptions & {
  format: string
  path?: string
  /** Default `error`: fail if something is there. */
  mode?: keyof typeof SAVE_MODES
  options?: Record<string, string>
  partitionBy?: string[]
}

/** A query plan, batch or streaming. Immutable; nothing runs until a method that returns a promise is called. */
export class DataFrame {
  readonly #client: SparkClient
  readonly #relation: Relation

  constructor(client: SparkClient, relation: Relation) {
    this.#client = client
    this.#relation = relation
  }

  /** Projects to SQL expressions, e.g. `select('key', 'count(*) AS n')`. */
  select(...expressions: string[]): DataFrame {
    return this.#derive({
      case: 'project',
      value: { input: this.#relation, expressions: expressions.map(sqlExpression) },
    })
  }

  /** Adds columns, or replaces those of the same name, by SQL expressions. */
  withColumns(columns: Record<string, string>): DataFrame {
    const aliases = Object.entries(columns).map(([name, text]) => ({
      expr: sqlExpression(text),
      name: [name],
    }))
    return this.#derive({ case: 'withColumns', value: { input: this.#relation, aliases } })
  }

  /** Keeps the rows for which the SQL condition is true. */
  filter(condition: string): DataFrame {
    return this.#derive({
      case: 'filter',
      value: { input: this.#relation, condition: sqlExpression(condition) },
    })
  }

  /** Marks the event-time column and how late rows may be, e.g. `withWatermark('time', '10 minutes')`. */
  withWatermark(eventTime: string, delay: string): DataFrame {
    return this.#derive({
      case: 'withWatermark',
      value: { input: this.#relation, eventTime, delayThreshold: delay },
    })
  }

  /**
   * Keeps the first row for each value of the columns. On a stream include the event-time column, else
   * its state grows for ever; `withinWatermark` keeps a key for the watermark's delay instead.
   */
  dropDuplicates(columns: string[], options: { withinWatermark?: boolean } = {}): DataFrame {
    const { withinWatermark = false } = options
    return this.#derive({
      case: 'deduplicate',
      value: { input: this.#relation, columnNames: columns, withinWatermark },
    })
  }

  /**
   * Computes aggregates over all rows that pass this point; they arrive in each batch's progress under
   * `observedMetrics[name]`. Each expression is an aggregate with an alias, e.g. `count(*) AS rows`.
   */
  observe(name: string, ...expressions: string[]): DataFrame {
    return this.#derive({
      case: 'collectMetrics',
      value: { input: this.#relation, name, metrics: expressions.map(sqlExpression) },
    })
  }

  /** All rows of both, columns matched by name. */
  union(other: DataFrame): DataFrame {
    return this.#derive({
      case: 'setOp',
      value: {
        leftInput: this.#relation,
        rightInput: other.#relation,
        setOpType: SetOpType.UNION,
        isAll: true,
        byName: true,
      },
    })
  }

  limit(rows: number): DataFrame {
    return this.#derive({ case: 'limit', value: { input: this.#relation, limit: rows } })
  }

  /** Gives the plan a name that SQL of this session can read from. Fails at once if the plan is wrong. */
  async createOrReplaceTempView(name: string): Promise<void> {
    const value = { input: this.#relation, name, isGlobal: false, replace: true }
    await runCommand(this.#client, { case: 'createDataframeView', value })
  }

  /** The columns that the plan gives: analyses it, which finds unknown columns, types that do not fit, …. */
  async schema(): Promise<Column[]> {
    const result = await this.#client.analyze({
      case: 'schema',
      value: { plan: planOf(this.#relation) },
    })
    if (result.case !== 'schema' || result.value.schema === undefined) {
      throw this.#client.unexpected('schema', result.case)
    }
    return columnsOf(result.value.schema)
  }

  /** Spark's plan as text. Default mode `extended`. */
  async explain(mode: keyof typeof EXPLAIN_MODES = 'extended'): Promise<string> {
    const result = await this.#client.analyze({
      case: 'explain',
      value: { plan: planOf(this.#relation), explainMode: EXPLAIN_MODES[mode] },
    })
    if (result.case !== 'explain') throw this.#client.unexpected('explain', result.case)
    return result.value.explainString
  }

  async isStreaming(): Promise<boolean> {
    const result = await this.#client.analyze({
      case: 'isStreaming',
      value: { plan: planOf(this.#relation) },
    })
    if (result.case !== 'isStreaming') throw this.#client.unexpected('isStreaming', result.case)
    return result.value.isStreaming
  }

  /** Runs a batch plan and returns its rows; see `Row` for how values are represented. */
  async collect(options: CollectOptions = {}): Promise<Row[]> {
    const { rowsMax = 10_000, ...rest } = options
    const decoder = new RowDecoder(rowsMax)
    for await (const response of execute(this.#client, planOf(this.#relation), rest)) {
      if (response.schema !== undefined) decoder.schema(columnsOf(response.schema))
      if (response.responseType.case === 'arrowBatch')
        decoder.batch(response.responseType.value.data)
    }
    return decoder.rows
  }

  /** Runs a batch plan and writes its rows. Resolves when they are written. */
  async write(options: WriteOptions): Promise<void> {
    const { format, path, mode = 'error', options: sinkOptions = {}, partitionBy = [] } = options
    const value = {
      input: this.#relation,
      source: format,
      mode: SAVE_MODES[mode],
      options: sinkOptions,
      partitioningColumns: partitionBy,
      saveType: path === undefined ? { case: undefined } : ({ case: 'path', value: path } as const),
    }
    await runCommand(this.#client, { case: 'writeOperation', value }, options)
  }

  /** Starts a streaming query. Resolves when Spark has accepted and started it. */
  writeStream(options: WriteStreamOptions): Promise<StreamingQuery> {
    return startStream(this.#client, this.#relation, options)
  }

  #derive(relType: NonNullable<Relation['relType']>): DataFrame {
    return new DataFrame(this.#client, relationOf(relType))
  }
}
