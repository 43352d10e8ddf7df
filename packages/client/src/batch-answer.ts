import { ConnectionError } from './errors.ts'
import type { EventProblem, EventResult } from './publish-results.ts'
import { type TransportAnswer, toApiError } from './transport.ts'

/** One event's part of an answer: `failed` ones are to be sent again. */
export type AttemptResult =
  | EventResult
  | { readonly status: 'again'; readonly code: string; readonly message: string }

/**
 * The results in an answer to a publish request, in the order of its events; undefined when the
 * answer speaks of the request as a whole.
 *
 * @throws ConnectionError an answer with results that do not belong to this request
 */
export function readResults(answer: TransportAnswer, events: number): AttemptResult[] | undefined {
  const body = answer.body as AnswerBody | undefined
  const results = body?.results ?? body?.error?.details?.results
  if (results === undefined) return undefined
  if (results.length > events || (results.length < events && body?.error === undefined)) {
    throw new ConnectionError(
      'no_answer',
      `the answer has ${results.length} results for ${events} events`,
    )
  }
  const position = body?.position ?? undefined
  const read = results.map((result): AttemptResult => {
    if (result.status === 'accepted') {
      const { id, partition, offset } = result
      return { status: 'accepted', id, partition, offset, position }
    }
    if (result.status === 'rejected') {
      return { status: 'rejected', error: result.error, rejection: result.rejection ?? undefined }
    }
    return { status: 'again', code: result.error.code, message: result.error.message }
  })
  // Events without a result were not reached.
  const { code, message } = toApiError(answer)
  while (read.length < events) read.push({ status: 'again', code, message })
  return read
}

interface AnswerBody {
  readonly position?: string | null
  readonly results?: readonly ResultBody[]
  readonly error?: { readonly details?: { readonly results?: readonly ResultBody[] } }
}

type ResultBody =
  | {
      readonly status: 'accepted'
      readonly id: string
      readonly partition: number
      readonly offset: string
    }
  | {
      readonly status: 'rejected'
      readonly error: EventProblem & { readonly others?: readonly EventProblem[] }
      readonly rejection?: string | null
    }
  | {
      readonly status: 'failed'
      readonly error: { readonly code: string; readonly message: string }
    }
