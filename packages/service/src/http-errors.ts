import type { FastifyError, FastifyReply } from 'fastify'
import { type ErrorCode, ServiceError } from './errors.ts'
import type { Http } from './http-type.ts'

const codesOfFastify: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
}

/** One shape for every error that leaves the service: `{error: {code, message, details?}}`. */
export function answerErrors(http: Http, count: (code: ErrorCode) => void): void {
  http.setErrorHandler((error: FastifyError | ServiceError, request, reply) => {
    const known = error instanceof ServiceError ? error : translate(error)
    count(known.code)
    if (known.status >= 500)
      request.log.error(
        { err: error, reqId: request.id, url: request.url, trace_id: request.span?.traceId },
        known.message,
      )
    if (known.status >= 500) request.span?.fail(error)
    sendError(reply, known)
  })
  http.setNotFoundHandler((request, reply) => {
    const message = `There is nothing at ${request.method} ${request.url}. The routes are listed at /docs.`
    count('not_found')
    sendError(reply, new ServiceError('not_found', message))
  })
}

export function sendError(reply: FastifyReply, error: ServiceError): void {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds)
  // What is left of a body that was too slow is not waited for.
  if (error.status === 408) reply.header('connection', 'close')
  reply.status(error.status).type('application/json').send(JSON.stringify(error.toBody()))
}

function translate(error: FastifyError): ServiceError {
  if (error.validation) {
    const details = error.validation.map(({ instancePath, message }) => ({
      path: instancePath,
      message,
    }))
    return new ServiceError(
      'bad_request',
      `The request's ${error.validationContext ?? 'input'} is wrong: ${error.message}`,
      {
        details,
        cause: error,
      },
    )
  }
  const code = codesOfFastify[error.code]
  if (code) return new ServiceError(code, error.message, { cause: error })
  if (error.statusCode && error.statusCode >= 400 && error.statusCode < 500) {
    return new ServiceError('bad_request', error.message, { cause: error })
  }
  // The cause stays in the log: what a client sees must not tell about the inside.
  return new ServiceError('internal', 'The service failed unexpectedly; its log has the cause.', {
    cause: error,
  })
}
