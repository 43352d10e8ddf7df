import type { StreamSource } from '@kappa/applications/stream-plan'
import { opensCall, type QueryShape, type Refused, refuse } from './query-shape.ts'

type Sources = Readonly<Record<string, Pick<StreamSource, 'eventTime'>>>

/** The stream that a query reads, and the names by which the query may call it. */
export interface ReadStream {
  readonly eventTime: string
  readonly names: readonly string[]
}

/**
 * The one stream that the query names, in its outermost FROM.
 * @param sources by stream
 */
export function readStream(query: QueryShape, sources: Sources): ReadStream | Refused {
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
