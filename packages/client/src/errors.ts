/** An answer of a service other than success: `{error: {code, message, details?}}`. */
export class ApiError extends Error {
  readonly status: number
  /** Stable; decide by it. */
  readonly code: string
  readonly details: unknown
  /** What `Retry-After` asked for, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(
    status: number,
    error: { readonly code: string; readonly message: string; readonly details?: unknown },
    retryAfterMs?: number,
  ) {
    super(error.message)
    this.name = 'ApiError'
    this.status = status
    this.code = error.code
    this.details = error.details
    this.retryAfterMs = retryAfterMs
  }
}

/** No complete answer: refused, reset, timed out, or not what a Kappa service would say. */
export class ConnectionError extends Error {
  readonly code: 'unreachable' | 'no_answer' | 'timeout' | 'aborted'

  constructor(code: ConnectionError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConnectionError'
    this.code = code
  }
}
