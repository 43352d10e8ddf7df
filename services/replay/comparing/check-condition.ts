import { quoteName } from '@kappa/applications/spark-sql'
import { type Token, tokenize } from '@kappa/applications/sql-tokens'
import type { ViewColumn } from '@kappa/applications/view-plan'
import { SparkError } from '@kappa/spark-connect/errors'
import type { SparkSession } from '@kappa/spark-connect/session'
import { ExpectedDifferencesError } from './expected-differences-error.ts'

const keywords = wordsOf('AND OR NOT IN BETWEEN LIKE RLIKE IS NULL TRUE FALSE DATE TIMESTAMP')
const functions = wordsOf(`LOWER UPPER TRIM SUBSTRING LEFT RIGHT LENGTH STARTSWITH ENDSWITH CONTAINS
  YEAR MONTH DAY HOUR MINUTE DAYOFWEEK DATE_TRUNC TO_DATE ABS MOD COALESCE`)
const symbols = /^[\d()=<>!+\-*/%.,|]$/

/**
 * Checks a condition of a user over key columns before it becomes a part of a query: one expression of
 * the columns, literals, operators and a few functions that always give the same answer. What is
 * allowed is listed, not what is forbidden: Spark has functions that call any Java method, and
 * subqueries read any table.
 *
 * @throws ExpectedDifferencesError naming what may not be there, or with Spark's own message.
 */
export async function checkCondition(
  session: SparkSession,
  condition: string,
  key: readonly ViewColumn[],
): Promise<void> {
  checkTokens(condition, key)
  const nulls = key.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${quoteName(name)}`)
  let type: string | undefined
  try {
    // As an expression of its own, which no parenthesis can end, and in parentheses, which admit no alias.
    const [, column] = await session
      .sql(`SELECT ${nulls.join(', ')}`)
      .select(condition, `(${condition})`)
      .schema()
    type = column?.type
  } catch (error) {
    if (!(error instanceof SparkError)) throw error
    throw wrong(`is refused by Spark: ${error.message}`, error)
  }
  if (type !== 'boolean') throw wrong(`must be true or false for each key; it gives ${type}.`)
}

function checkTokens(condition: string, key: readonly ViewColumn[]): void {
  // Where Spark and our tokenizer may see different ends of texts and comments.
  const unclear = /\\|--|\/\*|\$/.exec(condition)
  if (unclear) throw wrong(`may not hold ${unclear[0]}.`)
  const columns = new Set(key.map(({ name }) => name.toUpperCase()))
  const tokens = tokenize(condition)
  for (const [index, token] of tokens.entries()) {
    const problem = problemOf(token, tokens[index + 1], columns)
    if (problem !== undefined) throw wrong(problem)
  }
}

function problemOf(
  { kind, text }: Token,
  next: Token | undefined,
  columns: ReadonlySet<string>,
): string | undefined {
  const isCall = next?.text === '('
  const names = [...columns].join(', ').toLowerCase()
  if (kind === 'string') return undefined
  if (kind === 'symbol') return symbols.test(text) ? undefined : `may not hold ${text}`
  if (kind === 'quoted') {
    if (isCall) return `may not call ${text}; functions are written without quotes.`
    const name = text.slice(1, -1).replaceAll('``', '`').toUpperCase()
    return columns.has(name) ? undefined : `names ${text}; the key columns are ${names}.`
  }
  if (keywords.has(text) || (isCall && functions.has(text))) return undefined
  if (isCall) {
    return `may not call ${text.toLowerCase()}; it may call ${[...functions].join(', ').toLowerCase()}.`
  }
  if (!columns.has(text)) return `names ${text.toLowerCase()}; the key columns are ${names}.`
  // To Spark r'…' is a text in which nothing is escaped.
  return next?.kind === 'string' ? `has a text right after ${text.toLowerCase()}.` : undefined
}

function wordsOf(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/))
}

function wrong(message: string, cause?: unknown): ExpectedDifferencesError {
  return new ExpectedDifferencesError('where', message, cause)
}
