/** Where in a SQL text an error lies. Lines and positions are counted as Spark prints them. */
export type SqlPosition = {
  /** 1-based line of the SQL text. */
  line: number
  /** 1-based position within the line. */
  startPosition: number
  /** The part of the SQL text that Spark complains about, if it told. */
  fragment?: string
  /** `VIEW`, `FUNCTION`, …; absent for the text that was sent itself. */
  objectType?: string
  objectName?: string
}

export type SparkErrorDetails = {
  /** Spark's error condition, e.g. `UNRESOLVED_COLUMN.WITH_SUGGESTION`. */
  errorClass?: string
  /** Five characters, e.g. `42703`. */
  sqlState?: string
  messageParameters?: Record<string, string>
  position?: SqlPosition
  /** Fully qualified name of the exception's class on the server. */
  javaClass?: string
  cause?: SparkError
}

/** An error that Spark itself reported: bad SQL, a failed job, a failed query. */
export class SparkError extends Error {
  override readonly name = 'SparkError'
  declare readonly cause: SparkError | undefined
  readonly errorClass: string | undefined
  readonly sqlState: string | undefined
  readonly messageParameters: Record<string, string>
  readonly position: SqlPosition | undefined
  readonly javaClass: string | undefined

  constructor(message: string, details: SparkErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.errorClass = details.errorClass
    this.sqlState = details.sqlState
    this.messageParameters = details.messageParameters ?? {}
    this.position = details.position
    this.javaClass = details.javaClass
  }

  /**
   * What really went wrong: the deepest error of the cause chain that Spark classified, else the deepest.
   * `Job aborted due to stage failure` and `STREAM_FAILED` are wrappers and never the answer when there is more.
   */
  get rootCause(): SparkError {
    const chain: SparkError[] = []
    for (let error: SparkError | undefined = this; error !== undefined; error = error.cause) {
      chain.push(error)
    }
    const classified = chain.filter(
      ({ errorClass }) => errorClass !== undefined && !WRAPPERS.has(errorClass),
    )
    return classified.at(-1) ?? chain.at(-1) ?? this
  }
}

const WRAPPERS = new Set(['STREAM_FAILED', 'FAILED_EXECUTE_UDF', 'TASK_WRITE_FAILED'])

/**
 * - `unavailable`: the server can't be reached or the connection broke.
 * - `unauthenticated`: the token is missing or wrong.
 * - `deadline`: the call took longer than its bound; what it did is unknown.
 * - `session_closed`: the session was released, timed out, or the server restarted: its views are gone.
 * - `cancelled`: the caller aborted the call.
 * - `protocol`: anything else that is not an answer of Spark's.
 */
export type SparkTransportErrorKind =
  | 'unavailable'
  | 'unauthenticated'
  | 'deadline'
  | 'session_closed'
  | 'cancelled'
  | 'protocol'

/** The call did not reach Spark, or its answer did not come back, or the session is gone. */
export class SparkTransportError extends Error {
  override readonly name = 'SparkTransportError'
  readonly kind: SparkTransportErrorKind

  constructor(kind: SparkTransportErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.kind = kind
  }
}
