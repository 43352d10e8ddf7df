import { protocolErrors, protocolErrorsCodesById } from '@platformatic/kafka'

/** An error of the library in the words of `errorInfo`: Kafka's name of it, and whether to try again. */
export class LinkError extends Error {
  readonly type?: string
  readonly retriable: boolean

  constructor(message: string, options: { type?: string; retriable: boolean; cause?: unknown }) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'LinkError'
    if (options.type !== undefined) this.type = options.type
    this.retriable = options.retriable
  }
}

const CAUSES_MAX = 10

interface LibraryError extends Error {
  readonly apiId?: unknown
  readonly canRetry?: unknown
  readonly serverErrorMessage?: unknown
  readonly errors?: readonly unknown[]
}

export function errorFromCode(code: number): LinkError {
  const id = protocolErrorsCodesById[code as keyof typeof protocolErrorsCodesById]
  const known = id === undefined ? undefined : protocolErrors[id as keyof typeof protocolErrors]
  if (!known) {
    return new LinkError(`Kafka's error ${code}`, { type: `ERROR_${code}`, retriable: false })
  }
  return new LinkError(known.message, { type: known.id, retriable: known.canRetry })
}

/** The library wraps what a broker answered into an error with one entry for each part at fault. */
export function toLinkError(error: unknown, mechanism?: string): LinkError {
  if (error instanceof LinkError) return error
  const answer = firstProtocolError(error)
  const { apiId, canRetry, serverErrorMessage } = answer ?? {}
  const said = typeof serverErrorMessage === 'string' ? serverErrorMessage : undefined
  const message = said ?? answer?.message ?? deepest(error).message
  const isSasl = mechanism !== undefined && typeof apiId === 'string' && apiId.includes('SASL')
  return new LinkError(isSasl ? `SASL ${mechanism}: ${message}` : message, {
    ...(typeof apiId === 'string' ? { type: apiId } : {}),
    // Without an answer of a broker the connection is at fault, and another may do.
    retriable: typeof apiId === 'string' ? canRetry === true : true,
    cause: error,
  })
}

/** The library's own words for what ended a connection name an address only. */
function deepest(error: unknown): Error {
  let found = error as Error
  for (let depth = 0; depth < CAUSES_MAX && found.cause instanceof Error; depth += 1) {
    found = found.cause
  }
  return found
}

function firstProtocolError(error: unknown): LibraryError | undefined {
  if (!(error instanceof Error)) return undefined
  const { apiId, errors } = error as LibraryError
  if (typeof apiId === 'string') return error
  for (const part of errors ?? []) {
    const found = firstProtocolError(part)
    if (found) return found
  }
  return firstProtocolError(error.cause)
}
