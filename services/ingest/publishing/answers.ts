import { Readable } from 'node:stream'
import { type ErrorCode, ServiceError } from '@kappa/service/errors'
import type { HttpReply } from '@kappa/service/http'
import { positionToken } from './positions.ts'
import type { LinesAnswer } from './publish-lines.ts'
import type { EventResult } from './publish-schemas.ts'
import { linesType } from './publish-schemas.ts'
import type { Published } from './publisher.ts'

export function acceptsLines(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes(linesType) ?? false
}

/**
 * Answers with a result for each event.
 * @throws ServiceError `event_too_large` when that is all that is wrong with them
 */
export function sendPublished(reply: HttpReply, topic: string, published: Published) {
  const { accepted, rejected, results } = published
  const position = positionToken(published.position)
  const body = { topic, accepted, rejected, position, results }
  if (accepted > 0) return reply.status(rejected === 0 ? 200 : 207).send(body)
  return reply.status(422).send({ error: whyNone(results), ...body })
}

/** The same as lines. */
export function sendResultLines(reply: HttpReply, topic: string, published: Published) {
  const { accepted, rejected, results } = published
  const position = positionToken(published.position)
  const lines = results.map((result, index) => JSON.stringify({ index, ...result }))
  const summary = { topic, accepted, rejected, failed: 0, position }
  lines.push(JSON.stringify({ summary }))
  return reply
    .status(statusOf(accepted, rejected))
    .type(linesType)
    .send(`${lines.join('\n')}\n`)
}

/**
 * Answers as the lines become known. The status is that of the events when all of them are known
 * in time for it; else it is 207, and the summary tells.
 *
 * @param stalledTimeoutMs longest wait for the client to read on; then the connection is cut
 */
export async function sendLines(
  reply: HttpReply,
  answers: AsyncGenerator<LinesAnswer>,
  stalledTimeoutMs: number,
) {
  const head: string[] = []
  let first: LinesAnswer
  do {
    first = (await answers.next()).value as LinesAnswer
    head.push(first.text)
  } while (!first.last && head.join('') === '')
  const second = first.last ? first : ((await answers.next()).value as LinesAnswer)
  if (second !== first) head.push(second.text)
  if (!second.last) {
    const texts = readTexts(reply, head.join(''), answers, stalledTimeoutMs)
    const lines = Readable.from(texts, { objectMode: false })
    // Not in a `finally` of theirs: when the client is gone already, they are never begun.
    lines.once('close', () => void answers.return(undefined))
    return reply.status(207).type(linesType).send(lines)
  }
  await answers.return(undefined)
  if (second.accepted + second.rejected === 0) {
    throw second.failure ?? new ServiceError('no_events', 'The body holds no events.')
  }
  const status = second.failure ? 207 : statusOf(second.accepted, second.rejected)
  return reply.status(status).type(linesType).send(head.join(''))
}

/** Cuts the connection when the client takes a text too slowly. */
async function* readTexts(
  reply: HttpReply,
  head: string,
  answers: AsyncGenerator<LinesAnswer>,
  stalledTimeoutMs: number,
): AsyncGenerator<string> {
  let stalled: NodeJS.Timeout | undefined
  const guard = () => {
    clearTimeout(stalled)
    stalled = setTimeout(() => reply.raw.destroy(), stalledTimeoutMs)
  }
  try {
    guard()
    yield head
    clearTimeout(stalled)
    for await (const { text } of answers) {
      if (text === '') continue
      guard()
      yield text
      clearTimeout(stalled)
    }
  } finally {
    clearTimeout(stalled)
  }
}

function statusOf(accepted: number, rejected: number): number {
  if (rejected === 0) return 200
  return accepted === 0 ? 422 : 207
}

function whyNone(results: readonly EventResult[]): { code: string; message: string } {
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.error] : []))
  const [first] = errors
  if (first && errors.every(({ code }) => code === 'event_too_large')) {
    throw new ServiceError('event_too_large', `Nothing was written: ${first.message}.`, {
      details: { results },
    })
  }
  const all = results.length === 1 ? 'The event is' : `All ${results.length} events are`
  return {
    code: 'all_events_rejected' satisfies ErrorCode,
    message: `${all} rejected, nothing was written. The first reason: ${first?.message} (at ${first?.path}).`,
  }
}
