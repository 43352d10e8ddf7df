import type { ViewDefinition } from '@kappa/applications/definition'
import type { StreamSource } from '@kappa/applications/stream-plan'
import {
  type Placed,
  type QueryShape,
  queryShape,
  type Refused,
  refuse,
  splitAtCommas,
} from './query-shape.ts'
import { parseSparkDuration } from './spark-duration.ts'

/** The tumbling or sliding window that each row of a view belongs to. */
export interface ViewWindow {
  readonly windowMs: number
  /** From the start of one window to the start of the next. */
  readonly slideMs: number
  /** Windows start at this plus multiples of `slideMs`, from the epoch on. */
  readonly offsetMs: number
  /** Key column with one end of the window. */
  readonly timeColumn: string
  readonly bound: 'start' | 'end'
}

type Sources = Readonly<Record<string, Pick<StreamSource, 'eventTime'>>>

/** The stream that a query reads, and the names by which the query may call it. */
interface ReadStream {
  readonly eventTime: string
  readonly names: readonly string[]
}

/**
 * Finds the window of a view in its SQL. What it answers is sure: each row depends on the events of
 * its window alone, by the stream's event time, and the row's key tells the window. So the query
 * must be one SELECT that names one stream once, in its outermost FROM (datasets may be joined), and
 * has one `window(<event time>, '<length>'[, '<slide>'[, '<start offset>']])` in its GROUP BY.
 *
 * @param sources by stream, of the release
 * @returns otherwise what speaks against it and what to do, to be read after the view's name
 */
export function windowOf(
  view: Pick<ViewDefinition, 'sql' | 'key' | 'time'>,
  sources: Sources,
): ViewWindow | Refused {
  const { time } = view
  if (time === undefined || !view.key.includes(time)) {
    return refuse(
      "has no window in its key; name a column with the window's start or end as `time` and in `key`",
    )
  }
  const query = queryShape(view.sql)
  if ('refused' in query) return query
  const stream = readStream(query, sources)
  if ('refused' in stream) return stream
  const call = windowCall(query)
  if ('refused' in call) return call
  const lengths = windowLengths(call.arguments, stream)
  if ('refused' in lengths) return lengths
  const bound = boundIn(query, time)
  if (bound === undefined) {
    return refuse(
      `does not give its time column as window.start AS ${time} or window.end AS ${time}; write it so`,
    )
  }
  return { ...lengths, timeColumn: time, bound }
}

function readStream(query: QueryShape, sources: Sources): ReadStream | Refused {
  const streams = new Map(
    Object.entries(sources).map(([name, source]) => [name.toUpperCase(), { name, source }]),
  )
  // `stream.column` reads nothing more, and `AS stream` is a column of the result.
  const reads = query.tokens.filter(
    ({ name }, index) =>
      streams.has(name) &&
      query.tokens[index + 1]?.name !== '.' &&
      !['.', 'AS'].includes(query.tokens[index - 1]?.name ?? ''),
  )
  if (query.tokens.some(({ name }, index) => name === 'IDENTIFIER' && opensCall(query, index))) {
    return refuse('uses identifier(…), which hides what it reads; write the name itself')
  }
  const [read] = reads
  if (read === undefined || reads.length > 1) {
    const found = reads.map(({ name }) => streams.get(name)?.name).join(', ')
    return refuse(
      reads.length === 0
        ? 'reads no stream'
        : `names streams ${reads.length} times (${found}); rows can be carried of a query that reads one stream once and joins it with datasets only`,
    )
  }
  const at = query.from.indexOf(read)
  const before = query.from[at - 1]
  if (read.depth > 0 || before === undefined || !['FROM', 'JOIN', ','].includes(before.name)) {
    return refuse('does not read its stream in its outermost FROM; write it there')
  }
  const next = query.from[at + 1]
  const alias = next?.name === 'AS' ? query.from[at + 2] : next
  const eventTime = streams.get(read.name)?.source.eventTime ?? ''
  return { eventTime, names: [read.name, alias?.name ?? ''] }
}

function windowCall(query: QueryShape): { arguments: readonly Placed[] } | Refused {
  const { tokens, groupBy } = query
  if (tokens.some(({ name }) => name === 'SESSION_WINDOW')) {
    return refuse('uses session_window, whose windows have no fixed length')
  }
  const calls: number[] = []
  for (const [index, { name }] of tokens.entries()) {
    if (name !== 'WINDOW') continue
    if (opensCall(query, index)) calls.push(index)
    else if (tokens[index + 1]?.name !== '.' || tokens[index - 1]?.name === '.') {
      return refuse('uses the name window for something other than its window')
    }
  }
  const [call] = calls
  if (call === undefined || calls.length > 1) {
    return refuse(
      `calls window(…) ${calls.length} times; it must do so once, in GROUP BY, and name the result as window.start or window.end elsewhere`,
    )
  }
  const token = tokens[call] as Placed
  if (token.depth > 0 || !groupBy.includes(token)) {
    return refuse('does not call window(…) in the GROUP BY of its outermost SELECT; write it there')
  }
  const end = tokens.findIndex(
    ({ name, depth }, index) => index > call && depth === 0 && name === ')',
  )
  return { arguments: tokens.slice(call + 2, end === -1 ? undefined : end) }
}

function opensCall({ tokens }: QueryShape, index: number): boolean {
  return tokens[index + 1]?.name === '('
}

function windowLengths(
  tokens: readonly Placed[],
  stream: ReadStream,
): Pick<ViewWindow, 'windowMs' | 'slideMs' | 'offsetMs'> | Refused {
  const [column = [], ...durations] = splitAtCommas(tokens)
  const name = column.at(-1)?.name
  const isColumn = column.length === 1 || (column.length === 3 && column[1]?.name === '.')
  const isOwn = column.length === 1 || stream.names.includes(column[0]?.name ?? '')
  if (!isColumn || !isOwn || name !== stream.eventTime.toUpperCase()) {
    return refuse(
      `has windows over something other than ${stream.eventTime}, the event time of its stream: an event of any time may belong to them`,
    )
  }
  const lengths = durations.map(durationOf)
  const [windowMs, slideMs = windowMs, offsetMs = 0] = lengths
  const readable = lengths.length <= 3 && lengths.every((length) => length !== undefined)
  if (!readable || windowMs === undefined || slideMs === undefined) {
    return refuse(
      "has a window whose length cannot be read; write each duration as text like '1 hour' or '1 hour 30 minutes'",
    )
  }
  if (slideMs === 0 || windowMs < slideMs || offsetMs >= slideMs) {
    return refuse(
      'has a window that Spark refuses: the slide must be above 0, at most the length, and above the start offset',
    )
  }
  return { windowMs, slideMs, offsetMs }
}

function durationOf(tokens: readonly Placed[]): number | undefined {
  const [token] = tokens
  if (token?.kind !== 'string' || tokens.length > 1) return undefined
  return parseSparkDuration(token.text.slice(1, -1))
}

/** Which end of the window the SELECT gives under this name. */
function boundIn(query: QueryShape, column: string): 'start' | 'end' | undefined {
  for (const item of splitAtCommas(query.select)) {
    const [window, dot, bound, ...alias] = item.map(({ name }) => name)
    const name = alias.length === 0 ? bound : alias[0] === 'AS' ? alias[1] : alias[0]
    const isBound = window === 'WINDOW' && dot === '.' && (bound === 'START' || bound === 'END')
    const isWhole = alias.length <= (alias[0] === 'AS' ? 2 : 1)
    if (isBound && isWhole && name === column.toUpperCase()) {
      return bound === 'START' ? 'start' : 'end'
    }
  }
  return undefined
}
