import { PassThrough } from 'node:stream'
import { ServiceError } from './errors.ts'
import type { Http } from './http-type.ts'

/**
 * Answers 408 when the body of a request of this scope has not arrived after so long. For servers
 * whose own request time-out is longer, because other routes stream.
 */
export function boundBodyTime(scope: Http, timeoutMs: number): void {
  scope.addHook('preParsing', async (request, _reply, payload) => {
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
    if ((length === undefined || length === '0') && encoding === undefined) return payload
    const bounded = new PassThrough()
    const timer = setTimeout(() => {
      const message = `The body did not arrive within ${timeoutMs} ms. Nothing of it was used; send it again.`
      payload.unpipe(bounded)
      bounded.destroy(new ServiceError('request_timeout', message))
    }, timeoutMs)
    bounded.once('close', () => clearTimeout(timer))
    payload.once('error', (error) => bounded.destroy(error))
    request.raw.once('close', () => bounded.destroy())
    return payload.pipe(bounded)
  })
}
