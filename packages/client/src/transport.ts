import { once } from 'node:events'
import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { ApiError, ConnectionError } from './errors.ts'

export interface TransportOptions {
  /** Of the service, for example `http://127.0.0.1:4001`. */
  readonly url: string
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Longest wait for one complete answer. Default 30 seconds. */
  readonly requestTimeoutMs?: number
  /** Connections that are kept and used again. Default 4. */
  readonly connectionsMax?: number
}

export interface TransportRequest {
  readonly method: 'GET' | 'POST'
  /** With its query, from the root. */
  readonly path: string
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

export interface StreamOptions extends CallOptions {
  /** Told the headers of a 2xx answer, before its first byte. */
  readonly onHeaders?: (headers: IncomingHttpHeaders) => void
}

export interface TransportAnswer {
  readonly status: number
  readonly retryAfterMs: number | undefined
  /** Parsed JSON. */
  readonly body: unknown
}

const requestTimeoutMsDefault = 30_000
const connectionsMaxDefault = 4
const answerBytesMax = 64 * 1_048_576

/** HTTP with JSON answers over a bounded pool of connections that are kept alive. */
export class Transport {
  readonly url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #timeoutMs: number
  readonly #agent: HttpAgent
  readonly #request: typeof httpRequest

  /** @throws TypeError the URL is none */
  constructor(options: TransportOptions) {
    const { protocol, href } = new URL(options.url)
    if (protocol !== 'http:' && protocol !== 'https:') {
      throw new TypeError(`the URL of a service begins with http:// or https://, got ${href}`)
    }
    this.url = href.replace(/\/+$/, '')
    this.#headers = options.headers ?? {}
    this.#timeoutMs = options.requestTimeoutMs ?? requestTimeoutMsDefault
    const pool = { keepAlive: true, maxSockets: options.connectionsMax ?? connectionsMaxDefault }
    this.#agent = protocol === 'https:' ? new HttpsAgent(pool) : new HttpAgent(pool)
    this.#request = protocol === 'https:' ? httpsRequest : httpRequest
  }

  /** Ends the connections that are kept. */
  close(): void {
    this.#agent.destroy()
  }

  /**
   * @returns the answer, whatever its status
   * @throws ConnectionError no complete answer with JSON in it came
   */
  send(request: TransportRequest): Promise<TransportAnswer> {
    const { signal } = request
    return new Promise<TransportAnswer>((resolve, reject) => {
      const sent = this.#request(this.url + request.path, {
        method: request.method,
        agent: this.#agent,
        headers: {
          ...this.#headers,
          ...request.headers,
          ...(request.body === undefined
            ? {}
            : { 'content-length': Buffer.byteLength(request.body) }),
        },
      })
      const cancel = () => sent.destroy(cancelled())
      const timer = setTimeout(() => sent.destroy(this.#timedOut()), this.#timeoutMs)
      const settle = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', cancel)
      }
      const fail = (error: unknown) => {
        settle()
        reject(error instanceof ConnectionError ? error : this.#explain(error))
      }
      sent.on('error', fail)
      sent.on('response', (response) => {
        readAnswer(response).then((answer) => {
          settle()
          resolve(answer)
        }, fail)
      })
      signal?.addEventListener('abort', cancel, { once: true })
      if (signal?.aborted) cancel()
      sent.end(request.body)
    })
  }

  /** @returns the body of a 2xx answer. @throws ApiError, ConnectionError */
  get(path: string, { signal }: CallOptions = {}): Promise<unknown> {
    return this.call({ method: 'GET', path, ...(signal === undefined ? {} : { signal }) })
  }

  /** Sends JSON. @returns the body of a 2xx answer. @throws ApiError, ConnectionError */
  post(path: string, body: object | undefined, options: CallOptions = {}): Promise<unknown> {
    return this.call(jsonPost(path, body, options))
  }

  /**
   * A body that comes bit by bit, over a connection of its own: a long one takes no place in the pool.
   * @param silenceMsMax longest time without a byte
   * @throws ApiError for any status but 2xx
   * @throws ConnectionError it cannot be reached, breaks off or is silent
   */
  async *stream(
    path: string,
    headers: Readonly<Record<string, string>>,
    silenceMsMax: number,
    { signal, onHeaders }: StreamOptions = {},
  ): AsyncGenerator<Buffer> {
    const sent = this.#request(this.url + path, {
      agent: false,
      headers: { ...this.#headers, ...headers },
    })
    let broken: ConnectionError | undefined
    const breakOff = (error: ConnectionError) => {
      broken ??= error
      sent.destroy(error)
    }
    const cancel = () => breakOff(cancelled())
    const awaitByte = () =>
      setTimeout(() => {
        const message = `${this.url} was silent for ${silenceMsMax} ms`
        breakOff(new ConnectionError('timeout', message))
      }, silenceMsMax)
    let timer = awaitByte()
    // Errors are told by what waits for the answer; one that comes later has nobody to hear it.
    sent.on('error', () => undefined)
    signal?.addEventListener('abort', cancel, { once: true })
    if (signal?.aborted) cancel()
    try {
      sent.end()
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      const status = response.statusCode ?? 0
      if (status < 200 || status >= 300) throw toApiError(await readAnswer(response))
      onHeaders?.(response.headers)
      for await (const chunk of response) {
        // As long as the reader is busy, silence is not the server's.
        clearTimeout(timer)
        yield chunk as Buffer
        timer = awaitByte()
      }
    } catch (error) {
      if (broken !== undefined) throw broken
      const known = error instanceof ApiError || error instanceof ConnectionError
      throw known ? error : this.#explain(error)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', cancel)
      sent.destroy()
    }
  }

  /**
   * The body of a 2xx answer.
   * @throws ApiError for any other status
   * @throws ConnectionError
   */
  async call(request: TransportRequest): Promise<unknown> {
    const answer = await this.send(request)
    if (answer.status >= 200 && answer.status < 300) return answer.body
    throw toApiError(answer)
  }

  #timedOut(): ConnectionError {
    return new ConnectionError('timeout', `${this.url} did not answer within ${this.#timeoutMs} ms`)
  }

  #explain(error: unknown): ConnectionError {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const never = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']
    const reason = (error instanceof Error && error.message) || code || String(error)
    const cause = error
    return never.includes(code)
      ? new ConnectionError('unreachable', `${this.url} cannot be reached: ${reason}`, { cause })
      : new ConnectionError('no_answer', `${this.url} did not answer: ${reason}`, { cause })
  }
}

/** A POST with JSON, or with nothing. */
export function jsonPost(
  path: string,
  body: object | undefined,
  { signal }: CallOptions = {},
): TransportRequest {
  return {
    method: 'POST',
    path,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    ...(signal === undefined ? {} : { signal }),
  }
}

function cancelled(): ConnectionError {
  return new ConnectionError('aborted', 'the request was cancelled')
}

/** The error that an answer tells, or one made of its status when it is not in the services' form. */
export function toApiError({ status, body, retryAfterMs }: TransportAnswer): ApiError {
  const error =
    typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined
  if (typeof error === 'object' && error !== null && 'code' in error && 'message' in error) {
    const details = 'details' in error ? { details: error.details } : {}
    return new ApiError(
      status,
      { code: String(error.code), message: String(error.message), ...details },
      retryAfterMs,
    )
  }
  return new ApiError(status, { code: `http_${status}`, message: `HTTP ${status}` }, retryAfterMs)
}

async function readAnswer(response: IncomingMessage): Promise<TransportAnswer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response) {
    length += (chunk as Buffer).length
    if (length > answerBytesMax) {
      throw new ConnectionError('no_answer', `the answer is longer than ${answerBytesMax} bytes`)
    }
    chunks.push(chunk as Buffer)
  }
  const status = response.statusCode ?? 0
  const body = parseJson(Buffer.concat(chunks, length).toString('utf8'), status)
  return { status, body, retryAfterMs: parseRetryAfter(response.headers['retry-after']) }
}

function parseJson(text: string, status: number): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    // A proxy's page for 502 or 504 says enough by its status.
    if (status >= 400) return undefined
    throw new ConnectionError('no_answer', `the answer (${status}) is not JSON`, { cause })
  }
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3), as milliseconds from now. */
function parseRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1_000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now())
}
