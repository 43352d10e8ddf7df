import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import { ServiceError } from '@kappa/service/errors'

/** 8 MiB, what RFC 9659 asks of senders; zlib's own bound would be 128 MiB for each request. */
const zstdBounds = { params: { [constants.ZSTD_d_windowLogMax]: 23 } }

const decoders = new Map<string, () => NodeJS.ReadWriteStream & Readable>([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['zstd', () => createZstdDecompress(zstdBounds)],
])

/**
 * The request's body as it was before its content encoding. Damaged data, and the end of the
 * connection before the body's, come as the stream's error.
 *
 * @throws ServiceError `unsupported_media_type`
 */
export function decodedBody(request: IncomingMessage): Readable {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  if (encoding === 'identity' || encoding === '') return request
  const create = decoders.get(encoding)
  if (create === undefined) {
    throw new ServiceError(
      'unsupported_media_type',
      `The content encoding "${encoding.slice(0, 100)}" is not supported. Send gzip, zstd, or the body as it is.`,
    )
  }
  const decoder = create()
  request.on('error', (error) => decoder.destroy(error))
  request.on('close', () => {
    if (!request.complete) decoder.destroy(new Error('the connection ended'))
  })
  request.pipe(decoder)
  return decoder
}

/** What a client gets to know when its body breaks off or does not decode. */
export function bodyFailure(request: IncomingMessage, error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (request.complete || !request.destroyed) {
    const encoding = request.headers['content-encoding']
    return new ServiceError(
      'malformed_encoding',
      `The body is not valid ${encoding}: ${error instanceof Error ? error.message : String(error)}.`,
      { cause: error },
    )
  }
  return new ServiceError('bad_request', 'The connection ended before the body did.')
}
