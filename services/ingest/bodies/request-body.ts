import type { IncomingMessage } from 'node:http'
import { ServiceError } from '@kappa/service/errors'
import type { Lease } from '../publishing/in-flight.ts'

/**
 * Reads a request's body, counting its bytes against the bound and the lease as they arrive, so
 * that a body above them is refused before it is in memory.
 *
 * @throws ServiceError `body_too_large` (bound in the message), `too_many_requests`, or
 *   `bad_request` when the client went away in the middle.
 */
export async function readRequestBody(
  request: IncomingMessage,
  bodyBytesMax: number,
  lease: Lease,
): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? Number.NaN)
  if (announced > bodyBytesMax) throw bodyTooLarge(bodyBytesMax)
  if (announced > 0) lease.reserve(announced)
  let length = 0
  const chunks: Buffer[] = []
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error) => {
      request.off('data', onData).off('end', onEnd).off('error', onCut).off('close', onCut)
      if (error === undefined) return resolve()
      // What still arrives is read and dropped, so that the client gets to see the answer.
      request.on('error', () => request.destroy()).resume()
      reject(error)
    }
    const onData = (chunk: Buffer) => {
      length += chunk.length
      if (length > bodyBytesMax) return settle(bodyTooLarge(bodyBytesMax))
      try {
        if (Number.isNaN(announced)) lease.reserve(chunk.length)
      } catch (error) {
        return settle(error instanceof Error ? error : new Error(String(error)))
      }
      chunks.push(chunk)
    }
    const onEnd = () => settle()
    const onCut = () =>
      settle(new ServiceError('bad_request', 'The connection ended before the body did.'))
    request.on('data', onData).on('end', onEnd).on('error', onCut).on('close', onCut)
  })
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, length)
}

function bodyTooLarge(bodyBytesMax: number): ServiceError {
  return new ServiceError(
    'body_too_large',
    `The body is longer than the bound of ${bodyBytesMax} bytes. Send the events in several requests.`,
  )
}
