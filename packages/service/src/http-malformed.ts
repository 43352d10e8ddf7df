import type { Socket } from 'node:net'
import { ServiceError } from './errors.ts'

/**
 * Answers what is not HTTP enough to become a request, in the shape of every other error, and
 * closes the connection: what follows on it cannot be told apart.
 */
export function answerMalformedRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const known = translate(error.code)
  const body = JSON.stringify(known.toBody())
  const head = [
    `HTTP/1.1 ${known.status} ${known.code}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function translate(code: string | undefined): ServiceError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new ServiceError('headers_too_large', 'The head of the request is above 16 KiB.')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ServiceError('request_timeout', 'The request did not arrive in time.')
    default:
      return new ServiceError('bad_request', 'This is not an HTTP/1.1 request.')
  }
}
