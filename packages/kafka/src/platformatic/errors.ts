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

interface LibraryError extends Error {
  readonly apiId?: unknown
  readonly canRetry?: unknown
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
export function toLinkError(error: unknown): LinkError {
  if (error instanceof LinkError) return error
  const { apiId, canRetry } = firstProtocolError(error) ?? {}
  const { message } = firstProtocolError(error) ?? (error as Error)
  return new LinkError(message, {
    ...(typeof apiId === 'string' ? { type: apiId } : {}),
    // Without an answer of a broker the connection is at fault, and another may do.
    retriable: typeof apiId === 'string' ? canRetry === true : true,
    cause: error,
  })
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
