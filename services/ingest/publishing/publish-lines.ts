import type { IncomingMessage } from 'node:http'
import type { Position } from '@kappa/kafka/position-token'
import { ServiceError } from '@kappa/service/errors'
import { parseLines } from '../bodies/event-parser.ts'
import { lineChunks } from '../bodies/line-chunks.ts'
import type { IngestContext } from '../context.ts'
import type { Lease } from './in-flight.ts'
import { mergePositions, positionToken } from './positions.ts'
import type { PublishOptions } from './publish-options.ts'
import type { EventResult } from './publish-schemas.ts'

/** Chunks of one request that are being written at once; their answers stay in order. */
const chunksAtOnceMax = 2

/** The answer to one chunk of lines, or to all of them. */
export interface LinesAnswer {
  readonly text: string
  readonly accepted: number
  readonly rejected: number
  readonly failure: ServiceError | undefined
  /** Nothing comes after it. */
  readonly last: boolean
}

/**
 * Publishes a body of lines of any length, chunk by chunk with bounded memory, and answers with a
 * line for each event in their order and a summary as the last line. After a chunk that Kafka did
 * not take nothing more is read: events without a result line are to be sent again, like the
 * `failed` ones.
 *
 * The lease is given back when nothing more is done for the request, also when the answers are no
 * longer wanted: begin to take them.
 */
export async function* publishLines(
  request: IncomingMessage,
  context: IngestContext,
  options: PublishOptions,
  lease: Lease,
): AsyncGenerator<LinesAnswer> {
  const { config, turns, publisher, metrics } = context
  const { topic } = options.target.contract
  const { streamChunkBytes, eventBytesMax, eventsPerRequestMax } = config.limits
  const answers: Promise<ChunkAnswer>[] = []
  const total = { accepted: 0, rejected: 0, failed: 0 }
  const position = new Map<string, Map<number, bigint>>()
  let index = 0
  let failure: ServiceError | undefined

  const publishChunk = async (bytes: Buffer, firstLine: number): Promise<ChunkAnswer> => {
    await turns.take(lease.client, bytes.length)
    try {
      // A line has at least one byte, and blank ones are no events.
      const events = parseLines(bytes, Math.max(bytes.length, eventsPerRequestMax), firstLine)
      if (events.values.length === 0) return { results: [] }
      try {
        const published = await publisher.publish({ ...options, events, client: lease.client })
        return { results: published.results, position: published.position }
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error
        return { results: events.values.map(() => failed(error)), failure: error }
      }
    } finally {
      turns.done(bytes.length)
    }
  }

  const next = async (): Promise<LinesAnswer> => {
    const answer = (await answers.shift()) as ChunkAnswer
    failure ??= answer.failure
    if (answer.position !== undefined) mergePositions(position, answer.position)
    const counts = { accepted: 0, rejected: 0, failed: 0 }
    const lines: string[] = []
    for (const result of answer.results) {
      counts[result.status]++
      lines.push(JSON.stringify({ index: index++, ...result }))
    }
    total.accepted += counts.accepted
    total.rejected += counts.rejected
    total.failed += counts.failed
    const text = lines.length === 0 ? '' : `${lines.join('\n')}\n`
    return { text, ...counts, failure: answer.failure, last: false }
  }

  // An import keeps its order only if each chunk waits for the one before.
  const atOnce = options.disorderMs === undefined ? chunksAtOnceMax : 1
  try {
    metrics.countRefusal(() => lease.reserve(streamChunkBytes * chunksAtOnceMax))
    try {
      const bounds = {
        chunkBytes: streamChunkBytes,
        lineBytesMax: Math.max(streamChunkBytes, 4 * eventBytesMax),
        linesMax: eventsPerRequestMax,
        idleTimeoutMs: config.http.requestTimeoutMs,
      }
      for await (const { bytes, firstLine } of lineChunks(request, bounds)) {
        metrics.bodyBytes.inc({ topic }, bytes.length)
        const answer = publishChunk(bytes, firstLine)
        // It is heard of in its turn, or by nobody when the client is gone.
        answer.catch(() => undefined)
        answers.push(answer)
        if (answers.length >= atOnce) yield await next()
        if (failure !== undefined) break
      }
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      failure ??= error
    }
    while (answers.length > 0) yield await next()
    const { accepted, rejected } = total
    const summary = {
      topic,
      ...total,
      position: positionToken(position),
      ...(failure === undefined ? {} : { error: failure.toBody().error }),
    }
    yield { text: `${JSON.stringify({ summary })}\n`, accepted, rejected, failure, last: true }
  } finally {
    await Promise.allSettled(answers)
    lease.release()
  }
}

type LineResult = EventResult | ReturnType<typeof failed>

interface ChunkAnswer {
  readonly results: readonly LineResult[]
  readonly position?: Position | undefined
  readonly failure?: ServiceError
}

function failed({ code, message }: ServiceError) {
  return { status: 'failed' as const, error: { code, message } }
}
