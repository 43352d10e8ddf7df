import type { HttpReply, HttpRequest } from '@kappa/service/http'
import type { AnswerMeta } from './answer-meta.ts'
import { matches } from './etag.ts'
import { contentTypes } from './media.ts'

export interface RowsAnswer {
  readonly meta: AnswerMeta
  readonly etag?: string
  /** JSON; not asked for where the client has these rows already. */
  body(): string
}

/** Answers rows, or that they are those that the client has. */
export function sendRows(
  request: HttpRequest,
  reply: HttpReply,
  { meta, etag, body }: RowsAnswer,
): HttpReply {
  reply.headers(meta.headers)
  if (etag !== undefined) {
    reply.header('etag', etag)
    if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send(undefined)
  }
  return reply.type(contentTypes.json).send(body())
}
