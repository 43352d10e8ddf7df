/**
 * Every error that leaves a service over HTTP: its stable code and its status.
 * Clients decide by code; the message says what was wrong, where, and what to do.
 */
export const errorCatalogue = {
  bad_request: 400,
  invalid_event: 400,
  malformed_json: 400,
  malformed_encoding: 400,
  no_events: 400,
  unknown_column: 400,
  bad_filter: 400,
  bad_cursor: 400,
  not_found: 404,
  unknown_topic: 404,
  unknown_version: 404,
  unknown_application: 404,
  unknown_view: 404,
  unknown_release: 404,
  unknown_replay: 404,
  unknown_key: 404,
  unknown_rejection: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  import_closed: 409,
  import_disorder: 400,
  release_changed: 409,
  not_counted: 409,
  not_awaitable: 409,
  count_too_large: 409,
  wrong_state: 409,
  nothing_to_replace: 409,
  replay_running: 409,
  quota_exceeded: 409,
  log_incomplete: 409,
  live_changed: 409,
  rows_differ: 409,
  rows_dropped: 409,
  not_caught_up: 409,
  idempotency_key_reused: 409,
  payload_truncated: 409,
  payload_not_json: 409,
  resubmit_pending: 409,
  already_resubmitted: 409,
  version_not_publishable: 409,
  body_too_large: 413,
  batch_too_large: 413,
  event_too_large: 413,
  unsupported_media_type: 415,
  application_invalid: 422,
  contract_missing: 422,
  offsets_invalid: 422,
  carry_refused: 422,
  all_events_rejected: 422,
  still_rejected: 422,
  patch_failed: 422,
  too_many_requests: 429,
  headers_too_large: 431,
  internal: 500,
  standing_by: 503,
  kafka_unavailable: 503,
  outcome_unknown: 503,
  rebuilding: 503,
  behind: 503,
  no_live_release: 503,
  redis_unavailable: 503,
  switching: 503,
  stopping: 503,
  await_timeout: 504,
} as const satisfies Record<string, number>

export type ErrorCode = keyof typeof errorCatalogue

export interface ErrorBody {
  readonly error: {
    readonly code: ErrorCode
    readonly message: string
    readonly details?: unknown
  }
}

export class ServiceError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly retryAfterSeconds: number | undefined
  readonly details: unknown

  constructor(
    code: ErrorCode,
    message: string,
    options: { retryAfterSeconds?: number; details?: unknown; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'ServiceError'
    this.code = code
    this.status = errorCatalogue[code]
    this.retryAfterSeconds = options.retryAfterSeconds
    this.details = options.details
  }

  toBody(): ErrorBody {
    const details = this.details === undefined ? {} : { details: this.details }
    return { error: { code: this.code, message: this.message, ...details } }
  }
}
