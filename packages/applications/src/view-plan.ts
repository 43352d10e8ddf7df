import { type Static, Type } from 'typebox'
import type { ViewDefinition } from './definition.ts'
import type { Problem } from './problems.ts'
import type { ReadonlyDeep } from './readonly-deep.ts'
import { quoteName, quoteText, timestampPattern } from './spark-sql.ts'
import { takesRowsBack } from './sql-check.ts'

/** A column of a view, as Spark's analysis tells it. */
export const viewColumn = Type.Object({
  name: Type.String({ minLength: 1 }),
  type: Type.String({
    minLength: 1,
    description: 'Spark DDL type, for example `bigint` or `decimal(10,2)`.',
  }),
  nullable: Type.Boolean(),
})

export type ViewColumn = ReadonlyDeep<Static<typeof viewColumn>>

const keyTypes = /^(string|tinyint|smallint|int|bigint|decimal\(\d+,\d+\)|boolean|date|timestamp)$/i
const rankedTypes = new RegExp(`${keyTypes.source}|^(float|double)$`, 'i')

/** What the analysed output of the user's SQL must be for the view to have rows with keys. */
export function checkViewColumns(view: ViewDefinition, columns: readonly ViewColumn[]): Problem[] {
  const problems: Problem[] = []
  const add = (message: string) => problems.push({ file: view.file, message })
  const names = columns.map(({ name }) => name)
  for (const name of new Set(
    names.filter((candidate, index) => names.indexOf(candidate) !== index),
  )) {
    add(`gives the column ${name} twice; name each column once with AS.`)
  }
  for (const name of view.key) {
    const column = columns.find((candidate) => candidate.name === name)
    if (!column) {
      add(`does not give the key column ${name}; its columns are ${names.join(', ')}.`)
    } else if (!keyTypes.test(column.type)) {
      add(
        `gives the key column ${name} as ${column.type}; a key can be text, whole numbers, decimals, booleans, dates and timestamps.`,
      )
    }
  }
  for (const name of view.ranked ?? []) {
    const column = columns.find((candidate) => candidate.name === name)
    if (!column) {
      add(`does not give the ranked column ${name}; its columns are ${names.join(', ')}.`)
    } else if (!rankedTypes.test(column.type)) {
      add(
        `gives the ranked column ${name} as ${column.type}; rows can be ordered by text, numbers, booleans, dates and timestamps.`,
      )
    }
  }
  if (view.time !== undefined) {
    const column = columns.find(({ name }) => name === view.time)
    if (!column)
      add(`does not give the time column ${view.time}; its columns are ${names.join(', ')}.`)
    else if (column.type.toLowerCase() !== 'timestamp') {
      add(`gives the time column ${view.time} as ${column.type}; it must be a timestamp.`)
    }
  }
  return problems
}

/**
 * The changelog record of a row, as Spark SQL expressions over the view's columns: `key` and `value`
 * in their canonical JSON forms, and the batch's time, which Spark pins in the batch's offset log and
 * repeats when it runs the batch again, so that an old row never replaces a newer one.
 */
export function planChangelogRecord(
  view: ViewDefinition,
  columns: readonly ViewColumn[],
): string[] {
  const key = view.key.map((name) => {
    const column = columns.find((candidate) => candidate.name === name)
    return column?.type.toLowerCase() === 'timestamp'
      ? `date_format(${quoteName(name)}, ${quoteText(timestampPattern)})`
      : `CAST(${quoteName(name)} AS STRING)`
  })
  const row = columns.map(({ name }) => quoteName(name)).join(', ')
  const options = `map('ignoreNullFields', 'false', 'timeZone', 'UTC', 'timestampFormat', ${quoteText(timestampPattern)})`
  const json = `to_json(struct(${row}), ${options})`
  const value =
    view.deleteWhen === undefined ? json : `CASE WHEN ${view.deleteWhen} THEN NULL ELSE ${json} END`
  const batch = 'CAST(CAST(unix_millis(current_timestamp()) AS STRING) AS BINARY)'
  return [
    `to_json(array(${key.join(', ')})) AS key`,
    `${value} AS value`,
    `array(named_struct('key', 'kappa-batch', 'value', ${batch})) AS headers`,
  ]
}

/**
 * Checks the analysed plan (Spark's tree text, children indented below their parents): a filter
 * above an aggregate is refused.
 */
export function checkAnalysedPlan(view: ViewDefinition, plan: string): Problem[] {
  const nodes = plan.split('\n').map((line) => {
    const start = line.search(/[A-Za-z]/)
    return { depth: start, text: line.slice(Math.max(start, 0)) }
  })
  for (const [index, node] of nodes.entries()) {
    if (!/^Filter\b/.test(node.text)) continue
    const below = nodes.slice(index + 1)
    const end = below.findIndex(({ depth, text }) => text !== '' && depth <= node.depth)
    const subtree = end === -1 ? below : below.slice(0, end)
    if (subtree.some(({ text }) => /^Aggregate\b/.test(text))) {
      return [{ file: view.file, message: takesRowsBack }]
    }
  }
  return []
}
