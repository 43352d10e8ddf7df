import { tokenize } from '@kappa/applications/sql-tokens'
import { parseSparkDuration } from '../spark/spark-duration.ts'

/**
 * How long, in milliseconds, the windows of a query may be: the longest duration that any of its
 * `window(…)` calls names; 0 without one.
 * @returns undefined where it cannot be read: a session's window, or a length that is no plain text
 */
export function longestWindowMs(sql: string): number | undefined {
  const tokens = tokenize(sql)
  let longest = 0
  for (const [index, { text }] of tokens.entries()) {
    const name = text.replaceAll('`', '').toUpperCase()
    if (tokens[index + 1]?.text !== '(' || !/^(SESSION_)?WINDOW$/.test(name)) continue
    if (name === 'SESSION_WINDOW') return undefined
    const length = windowMs(tokens.slice(index + 1))
    if (length === undefined) return undefined
    longest = Math.max(longest, length)
  }
  return longest
}

/** @param tokens from the call's parenthesis on */
function windowMs(tokens: readonly { readonly text: string; readonly kind: string }[]) {
  let depth = 0
  const lengths: (number | undefined)[] = []
  for (const { text, kind } of tokens) {
    if (text === '(') depth += 1
    else if (text === ')') depth -= 1
    else if (kind === 'string') lengths.push(parseSparkDuration(text.slice(1, -1)))
    if (depth === 0) break
  }
  const known = lengths.filter((length) => length !== undefined)
  return known.length > 0 && known.length === lengths.length ? Math.max(...known) : undefined
}
