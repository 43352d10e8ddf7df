import type { ViewDefinition } from '@kappa/applications/definition'
import type { StreamSource } from '@kappa/applications/stream-plan'
import { parseSparkDuration } from '../spark/spark-duration.ts'
import {
  opensCall,
  type Placed,
  type QueryShape,
  queryShape,
  type Refused,
  refuse,
  splitAtCommas,
} from './query-shape.ts'
import { type ReadStream, readStream } from './read-stream.ts'

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
  sources: Readonly<Record<string, Pick<StreamSource, 'eventTime'>>>,
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
