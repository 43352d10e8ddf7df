import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ViewDescription, ViewMeta } from '../src/view-answers.ts'
import { play, type SeenCall, type StreamScript } from './fake-replay.ts'

interface Answer {
  readonly status: number
  /** A text goes as it is, all else as JSON. */
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** The connection ends when the body has been sent, without the end of the answer. */
  readonly isCut?: true
}

/**
 * A test double of the results service: it answers what the test has put into it, keeps what it was
 * asked, and plays scripts as streams of changes. It knows nothing about views.
 */
export class FakeResults {
  /** By `GET /v1/views`. */
  readonly answers = new Map<string, Answer>()
  /** Each opened stream of changes takes the next: a script, or a refusal. Without one it is 404. */
  readonly streams: (StreamScript | Answer)[] = []
  readonly calls: SeenCall[] = []
  readonly #server: Server

  static async start(): Promise<FakeResults> {
    const fake = new FakeResults()
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
    this.answers.clear()
    this.streams.length = 0
    this.calls.length = 0
  }

  /** Calls as `GET /v1/views`, in order. */
  get asked(): string[] {
    return this.calls.map(({ method, path }) => `${method} ${path}`)
  }

  /** The id that each opened stream was to go on from. */
  get resumedFrom(): (string | undefined)[] {
    return this.calls
      .filter(({ path }) => path.split('?')[0]?.endsWith('/changes'))
      .map(({ headers }) => headers['last-event-id']?.toString())
  }

  ok(call: string, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
    this.answers.set(call, { status: 200, body, headers })
  }

  refuse(call: string, status: number, code: string): void {
    this.answers.set(call, refusal(status, code))
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
    const isStream = path.split('?')[0]?.endsWith('/changes')
    const script = isStream ? this.streams.shift() : undefined
    if (script !== undefined && 'write' in script) return play(script, request, response)
    const answer = script ?? this.answers.get(`${method} ${path}`) ?? refusal(404, 'not_found')
    const body = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
    if (answer.isCut) return response.write(body, () => request.socket.destroy())
    return response.end(body)
  }
}

export function refusal(status: number, code: string): Answer {
  return { status, body: { error: { code, message: `the test asked for ${code}` } } }
}

/** An event as the service writes it. */
export function event(name: string, data: unknown, id?: string): string {
  const place = id === undefined ? '' : `id: ${id}\n`
  return `event: ${name}\n${place}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
}

export const meta: ViewMeta = {
  application: 'flights',
  view: 'carrier_hours',
  release: 1,
  position: 'p1',
  as_of: '2013-01-31T12:00:00.000Z',
  current_at: '2013-01-31T12:00:01.000Z',
  freshness_ms: 1_234,
  complete: true,
  late_events: 0,
}

export const carrierHours: ViewDescription = {
  application: 'flights',
  view: 'carrier_hours',
  release: 1,
  key: ['carrier', 'hour'],
  time: 'hour',
  ranked: [],
  columns: [
    { name: 'carrier', type: 'string', nullable: false },
    { name: 'hour', type: 'timestamp', nullable: false },
    { name: 'flights', type: 'bigint', nullable: false },
    { name: 'mean_delay', type: 'double', nullable: true },
    { name: 'remark', type: 'string', nullable: true },
  ],
  rows: 12_345,
  state: 'ready',
  meta,
}
