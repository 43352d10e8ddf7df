import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ReplayStatus } from '../src/replay-status.ts'

/** What one opened event stream does: it writes, then ends as told. */
export interface StreamScript {
  readonly write: readonly string[]
  /** hang: it stays open and silent, until the reader has gone. */
  readonly end: 'close' | 'cut' | 'hang'
}

export interface SeenCall {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly body: unknown
  readonly headers: IncomingMessage['headers']
}

/** `reset`: the call is taken, then the connection ends in place of an answer. */
type Answer = FakeAnswer | 'reset'

export interface FakeAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * A test double of the replay service: it answers what the test has put into `answers`, keeps what it
 * was asked, and plays scripts as event streams. It knows nothing about releases.
 */
export class FakeReplay {
  /** By `GET /v1/replays`; a list is given one after the other, its last for ever. */
  readonly answers = new Map<string, Answer | readonly Answer[]>()
  /** By the replay's id; each opened stream takes the next, without one it is 404. */
  readonly streams = new Map<string, StreamScript[]>()
  readonly calls: SeenCall[] = []
  readonly #server: Server
  readonly #given = new Map<string, number>()

  static async start(): Promise<FakeReplay> {
    const fake = new FakeReplay()
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve))
    return fake
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: Error) => response.destroy(error))
    })
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Forgets everything that it was told and asked. */
  reset(): void {
    for (const each of [this.answers, this.streams, this.#given]) each.clear()
    this.calls.length = 0
  }

  /** Calls as `POST /v1/replays`, in order. */
  get asked(): string[] {
    return this.calls.map(({ method, path }) => `${method} ${path}`)
  }

  ok(call: string, ...bodies: readonly unknown[]): void {
    this.answers.set(
      call,
      bodies.map((body) => ({ status: 200, body })),
    )
  }

  refuse(call: string, status: number, code: string, details?: unknown): void {
    const error = { code, message: `the test asked for ${code}`, ...(details ? { details } : {}) }
    this.answers.set(call, { status, body: { error } })
  }

  /** A stream that tells these statuses, and how it goes on. */
  stream(statuses: readonly ReplayStatus[], end: StreamScript['end']): void {
    const id = statuses[0]?.id ?? ''
    const write = statuses.map((each) => `event: replay\ndata: ${JSON.stringify(each)}\n\n`)
    this.streams.set(id, [...(this.streams.get(id) ?? []), { write, end }])
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const { method = '', url: path = '/', headers } = request
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    this.calls.push({ method, path, body: text === '' ? undefined : JSON.parse(text), headers })
    const [, id] = /^\/v1\/replays\/([^/]+)\/events$/.exec(path) ?? []
    const script = id === undefined ? undefined : this.streams.get(id)?.shift()
    if (script !== undefined) return play(script, request, response)
    const call = `${method} ${path}`
    const answers = [this.answers.get(call) ?? notFound(call)].flat()
    const given = this.#given.get(call) ?? 0
    this.#given.set(call, given + 1)
    const answer = answers[Math.min(given, answers.length - 1)] ?? notFound(call)
    if (answer === 'reset') return request.socket.resetAndDestroy()
    return response
      .writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      .end(JSON.stringify(answer.body))
  }
}

function notFound(call: string): FakeAnswer {
  return { status: 404, body: { error: { code: 'not_found', message: `There is no ${call}.` } } }
}

/** Writes what the script says, and ends the stream as it says. */
export function play(
  { write, end }: StreamScript,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  // What was written reaches the reader before the connection ends.
  response.write(write.join(''), () => {
    if (end === 'close') response.end()
    if (end === 'cut') request.socket.destroy()
  })
}
