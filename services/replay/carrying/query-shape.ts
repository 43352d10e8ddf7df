import { type Token, tokenize } from '@kappa/applications/sql-tokens'

/** A token where it stands. */
export interface Placed {
  readonly kind: Token['kind']
  /** Upper case, as Spark compares names; quoted ones without their quotes. */
  readonly name: string
  readonly text: string
  /** Parentheses around it. */
  readonly depth: number
}

/** The clauses of the outermost SELECT; what is in none of them is left out. */
export interface QueryShape {
  readonly tokens: readonly Placed[]
  readonly select: readonly Placed[]
  readonly from: readonly Placed[]
  readonly groupBy: readonly Placed[]
}

export interface Refused {
  /** Goes on after the name of the view. */
  readonly refused: string
}

/** Outside of all parentheses, these make rows of more than the events of one window. */
const mixing = new Set('UNION INTERSECT EXCEPT MINUS ROLLUP CUBE GROUPING LIMIT OFFSET'.split(' '))

/**
 * Finds the clauses of a query that groups one SELECT. Not a parser: it knows enough to refuse
 * whatever is of another shape.
 */
export function queryShape(sql: string): QueryShape | Refused {
  const tokens = place(tokenize(sql))
  const outer = tokens.map(({ depth, kind }) => depth === 0 && kind === 'word')
  const all = (name: string) =>
    tokens.flatMap((token, index) => (outer[index] && token.name === name ? [index] : []))
  for (const [index, { name, kind }] of tokens.entries()) {
    if (tokens[index - 1]?.name === '.') continue
    const isMixing = (outer[index] && mixing.has(name)) || (kind === 'word' && name === 'OVER')
    if (isMixing) {
      return refuse(`uses ${name}, so that a row may depend on events of more than one window`)
    }
    if (name === '|' && tokens[index + 1]?.name === '>') return refuse('uses the pipe syntax |>')
  }
  const [select, ...moreSelects] = all('SELECT')
  const from = all('FROM').find((index) => index > (select ?? 0))
  const groups = all('GROUP').filter((index) => tokens[index + 1]?.name === 'BY')
  const [group] = groups
  if (select === undefined || moreSelects.length > 0 || from === undefined) {
    return refuse('is not one SELECT … FROM …')
  }
  if (group === undefined || groups.length > 1 || group < from) {
    return refuse('has no GROUP BY in its outermost SELECT; the window must be a part of it')
  }
  return {
    tokens,
    select: tokens.slice(select + 1, from),
    from: tokens.slice(from, group),
    groupBy: tokens.slice(group + 2),
  }
}

export function refuse(refused: string): Refused {
  return { refused }
}

/** Whether the token at the index is followed by arguments. */
export function opensCall({ tokens }: Pick<QueryShape, 'tokens'>, index: number): boolean {
  return tokens[index + 1]?.name === '('
}

/** What commas separate that are as deep in parentheses as the first token. */
export function splitAtCommas(tokens: readonly Placed[]): Placed[][] {
  const depth = tokens[0]?.depth
  const items: Placed[][] = [[]]
  for (const token of tokens) {
    if (token.depth === depth && token.name === ',') items.push([])
    else items.at(-1)?.push(token)
  }
  return items
}

function place(tokens: readonly Token[]): Placed[] {
  let depth = 0
  return tokens.map(({ kind, text }) => {
    if (text === ')') depth -= 1
    // Any other quoted text keeps its quotes, so that it is never taken for a symbol.
    const name = /^`\w+`$/.test(text) ? text.slice(1, -1).toUpperCase() : text
    const placed = { kind, name, text, depth }
    if (text === '(') depth += 1
    return placed
  })
}
