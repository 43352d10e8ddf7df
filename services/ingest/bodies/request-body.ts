import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { ServiceError } from '@kappa/service/errors'
import type { Lease } from '../publishing/in-flight.ts'
import { ChunkBuffer } from './chunk-buffer.ts'
import { bodyFailure, decodedBody } from './content-encoding.ts'

export interface BodyBounds {
  /** After decompression. */
  readonly bytesMax: number
  /** From the request's head to its body's last byte. */
  readonly timeoutMs: number
}

/**
 * Reads a request's body whole, counting its bytes against the bound and the lease as they arrive,
 * so that a body above them is refused before it is in memory.
 *
 * @throws ServiceError `body_too_large` (bound in the message), `too_many_requests`,
 *   `request_timeout`, `malformed_encoding`, `unsupported_media_type`, or `bad_request` when the
 *   client went away in the middle.
 */
export async function readRequestBody(
  request: IncomingMessage,
  bounds: BodyBounds,
  lease: Lease,
): Promise<Buffer> {
  const source = decodedBody(request)
  // A length is told of what travels, which says nothing about what it decompresses to.
  const announced =
    source === request ? Number(request.headers['content-length'] ?? Number.NaN) : Number.NaN
  if (announced > bounds.bytesMax) {
    dropRest(request)
    throw bodyTooLarge(bounds.bytesMax)
  }
  const body = new ChunkBuffer()
  try {
    if (announced > 0) lease.reserve(announced)
    await collect(source, bounds.timeoutMs, (chunk) => {
      if (body.length + chunk.length > bounds.bytesMax) throw bodyTooLarge(bounds.bytesMax)
      if (Number.isNaN(announced)) lease.reserve(chunk.length)
      body.add(chunk)
    })
  } catch (error) {
    dropRest(request)
    if (source !== request) source.destroy()
    throw bodyFailure(request, error)
  }
  return body.take()
}

/** Resolves at the end of the stream; rejects with its error or what `take` throws. */
function collect(
  source: Readable,
  timeoutMs: number,
  take: (chunk: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown) => {
      clearTimeout(timer)
      source.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onData = (chunk: Buffer) => {
      try {
        take(chunk)
      } catch (error) {
        settle(error)
      }
    }
    const onEnd = () => settle()
    const onError = (error: Error) => settle(error)
    const onClose = () => settle(new Error('the connection ended'))
    const timer = setTimeout(() => settle(requestTimeout(timeoutMs)), timeoutMs)
    source.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose)
  })
}

/** What still arrives is read and dropped, so that the client gets to see the answer. */
export function dropRest(request: IncomingMessage): void {
  request.unpipe()
  // A stream with a listener for them does not flow.
  request.removeAllListeners('readable')
  request.on('error', () => request.destroy()).resume()
}

function requestTimeout(timeoutMs: number): ServiceError {
  return new ServiceError(
    'request_timeout',
    `The body did not arrive within ${timeoutMs} ms. Nothing of it was written; send it again.`,
  )
}

function bodyTooLarge(bytesMax: number): ServiceError {
  return new ServiceError(
    'body_too_large',
    `The body is longer than the bound of ${bytesMax} bytes. Send the events in several requests, or as application/x-ndjson with "accept: application/x-ndjson", which may be of any length.`,
  )
}
