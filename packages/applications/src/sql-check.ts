import type { Problem } from './problems.ts'
import { type Token, tokenize } from './sql-tokens.ts'

/** Answers that depend on when, where or in which order Spark runs cannot be proven equal after a replay. */
const nonDeterministic = new Set(
  `CURRENT_TIMESTAMP CURRENT_DATE CURRENT_TIME CURRENT_USER CURRENT_DATABASE CURRENT_CATALOG NOW LOCALTIMESTAMP
   CURDATE RAND RANDN RANDOM RANDSTR UNIFORM UUID SHUFFLE MONOTONICALLY_INCREASING_ID SPARK_PARTITION_ID
   INPUT_FILE_NAME INPUT_FILE_BLOCK_START INPUT_FILE_BLOCK_LENGTH REFLECT JAVA_METHOD TRY_REFLECT SESSION_USER USER VERSION`.split(
    /\s+/,
  ),
)
/** These are functions even without parentheses. */
const withoutParentheses = new Set(
  'CURRENT_TIMESTAMP CURRENT_DATE CURRENT_TIME CURRENT_USER LOCALTIMESTAMP SESSION_USER'.split(' '),
)
const orderDependent = new Set('FIRST FIRST_VALUE LAST LAST_VALUE ANY_VALUE'.split(' '))
const collecting = new Set('COLLECT_LIST ARRAY_AGG LISTAGG STRING_AGG'.split(' '))
const tiesNeedOrder = new Set('MAX_BY MIN_BY'.split(' '))

/** What P2 (the same log gives the same rows) forbids in a view, found before Spark is asked. */
export function checkSql(file: string, sql: string): Problem[] {
  const tokens = tokenize(sql)
  if (tokens.length === 0) return [{ file, message: 'is empty; it must hold one SELECT.' }]
  const problems: Problem[] = []
  const add = (token: Token, message: string) => problems.push({ file, line: token.line, message })
  const first = tokens[0] as Token
  if (first.text !== 'SELECT' && first.text !== 'WITH')
    add(first, 'must be one query, starting with SELECT or WITH.')
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1]
    if (token.text === ';') {
      if (next) add(next, 'holds a second statement; a view is one query.')
      continue
    }
    const isCall = next?.text === '('
    const word = wordOf(token)
    // `t.rand` is a column, `builtin.rand()` is not.
    if (word === undefined || (!isCall && (token.kind === 'quoted' || isField(tokens, index))))
      continue
    const name = word.toLowerCase()
    if (word === 'HAVING' && token.kind === 'word') add(token, takesRowsBack)
    if (nonDeterministic.has(word) && (isCall || withoutParentheses.has(word))) {
      add(
        token,
        `${name} gives another answer in every run, so a replay could never be proven equal; use a column of the event.`,
      )
    }
    if (!isCall) continue
    if (orderDependent.has(word)) {
      add(
        token,
        `${name} depends on the order of events; use max_by(value, struct(event time, _id)) or min_by.`,
      )
    }
    if (collecting.has(word)) {
      add(
        token,
        `${name} depends on the order of events; use sort_array(collect_set(…)) or an aggregate without order.`,
      )
    }
    if (
      tiesNeedOrder.has(word) &&
      !argumentsOf(tokens, index).some(({ text }) => /^`?_ID`?$/i.test(text))
    ) {
      add(
        token,
        `${name} may meet a tie, and then the order of events would decide; end its order with _id: ${name}(value, struct(event time, _id)).`,
      )
    }
  }
  return problems
}

/** Of a quoted name what it quotes: Spark finds functions by it as well. */
function wordOf({ kind, text }: Token): string | undefined {
  if (kind === 'word') return text
  return kind === 'quoted' ? text.slice(1, -1).replaceAll('``', '`').toUpperCase() : undefined
}

function isField(tokens: readonly Token[], index: number): boolean {
  return tokens[index - 1]?.text === '.'
}

export const takesRowsBack =
  'a filter above an aggregate would have to take rows back that it has already given, which update mode never does; leave the filter out and declare delete_when for the view in application.yaml.'

function argumentsOf(tokens: readonly Token[], call: number): Token[] {
  const inside: Token[] = []
  let depth = 0
  for (const token of tokens.slice(call + 1)) {
    if (token.text === '(') depth += 1
    if (token.text === ')') depth -= 1
    if (depth === 0) break
    inside.push(token)
  }
  return inside
}
