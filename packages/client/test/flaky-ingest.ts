import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** What a faulty answer is: a status with its body, a cut connection, or silence. */
export type Fault =
  | { readonly status: number; readonly code: string; readonly retryAfter?: string }
  /** The connection is reset before anything is taken. */
  | 'reset'
  /** The events are taken, then the connection is reset in place of an answer. */
  | 'take-and-reset'
  | 'silence'
  /** 207: of each request, these events (by their place in it) are answered as failed. */
  | { readonly failed: readonly number[] }
  /** 207 with these results, whatever the events are. */
  | { readonly results: readonly object[] }

export interface SeenRequest {
  readonly topic: string
  readonly query: string
  readonly type: string
  readonly events: readonly SeenEvent[]
  /** As they came, compressed or not. */
  readonly bytes: number
  readonly atMs: number
}

export interface SeenEvent {
  readonly id: string | undefined
  readonly data: { readonly [name: string]: unknown }
}

/**
 * A test double of ingest that fails on command: it answers as ingest documents its API, takes
 * events into memory, and keeps what it was asked. Events with `wrong: true` are rejected.
 */
export class FlakyIngest {
  readonly requests: SeenRequest[] = []
  /** Data of the events that it took, doubles included, by topic. */
  readonly taken = new Map<string, SeenEvent[]>()
  /** The faults of the next publish requests, in order. */
  readonly faults: Fault[] = []
  /** Field that the contract names as id; null: none. */
  idField: string | null = 'event_id'
  /** Requests with more events than this are answered with 413. */
  eventsPerRequestMax = 10_000
  /** Keeps nothing of what it takes, for inputs that do not fit into memory. */
  forgets = false
  connections = 0
  inFlightMost = 0
  #inFlight = 0
  #held: (() => void)[] | undefined
  readonly #server: Server

  static async start(): Promise<FlakyIngest> {
    const ingest = new FlakyIngest()
    await new Promise<void>((resolve) => ingest.#server.listen(0, '127.0.0.1', resolve))
    return ingest
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: Error) => response.destroy(error))
    })
    this.#server.on('connection', () => this.connections++)
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Answers no publish request until `release`. */
  hold(): void {
    this.#held ??= []
  }

  release(): void {
    for (const resume of this.#held?.splice(0) ?? []) resume()
    this.#held = undefined
  }

  async stop(): Promise<void> {
    this.release()
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const url = new URL(request.url ?? '/', 'http://ingest')
    const [, topic = '', isPublish] = /^\/v1\/topics\/([^/]+)(\/events)?$/.exec(url.pathname) ?? []
    if (topic === 'unknown') return answer(response, 404, { error: problem('unknown_topic') })
    if (url.pathname === '/schemas/ids/1') return answer(response, 200, { schema })
    if (!isPublish) {
      const versions = [{ version: 1, schema_id: 1, publishable: true }]
      return answer(response, 200, { topic, id: this.idField, versions })
    }
    this.#inFlight++
    this.inFlightMost = Math.max(this.inFlightMost, this.#inFlight)
    const { body, wireBytes } = await readBody(request)
    if (this.#held) await new Promise<void>((resolve) => this.#held?.push(resolve))
    this.#inFlight--
    return this.#publish({ topic, query: url.search, body, wireBytes }, request, response)
  }

  #publish(got: Got, request: IncomingMessage, response: ServerResponse): unknown {
    const { topic } = got
    const type = request.headers['content-type'] ?? ''
    const events = parse(got.body.toString(), type)
    const { query, wireBytes: bytes } = got
    if (!this.forgets)
      this.requests.push({ topic, query, type, events, bytes, atMs: performance.now() })
    if (events.length > this.eventsPerRequestMax) {
      return answer(response, 413, { error: problem('batch_too_large') })
    }
    const fault = this.faults.shift()
    if (fault === 'silence') return undefined
    if (fault === 'reset') return request.socket.resetAndDestroy()
    if (typeof fault === 'object' && 'status' in fault) {
      if (fault.retryAfter !== undefined) response.setHeader('retry-after', fault.retryAfter)
      return answer(response, fault.status, { error: problem(fault.code) })
    }
    if (typeof fault === 'object' && 'results' in fault) {
      return answer(response, 207, { topic, position: null, results: fault.results })
    }
    const failed = new Set(typeof fault === 'object' ? fault.failed : [])
    const results = events.map((event, index) => this.#take(topic, event, failed.has(index)))
    if (fault === 'take-and-reset') return request.socket.resetAndDestroy()
    const count = (status: string) => results.filter((each) => each.status === status).length
    const [accepted, rejected] = [count('accepted'), count('rejected')]
    const all = { topic, accepted, rejected, position: `position-${this.requests.length}`, results }
    if (accepted === 0)
      return answer(response, 422, { error: problem('all_events_rejected'), ...all })
    return answer(response, accepted === events.length ? 200 : 207, all)
  }

  #take(topic: string, event: SeenEvent, fails: boolean) {
    if (fails) return { status: 'failed', error: problem('kafka_unavailable') }
    if (event.data.wrong === true) {
      const error = { ...problem('unknown_field'), path: '$.wrong' }
      return { status: 'rejected', error, rejection: 'kept-1' }
    }
    const taken = this.taken.get(topic) ?? []
    this.taken.set(topic, taken)
    taken.push(event)
    if (this.forgets) this.taken.clear()
    const id = event.id ?? String(event.data.event_id)
    return { status: 'accepted', id, partition: 0, offset: String(taken.length - 1) }
  }
}

const schema = JSON.stringify({
  type: 'record',
  name: 'Event',
  fields: [{ name: 'event_id', type: 'string' }],
})

interface Got {
  readonly topic: string
  readonly query: string
  readonly body: Buffer
  readonly wireBytes: number
}

function parse(text: string, type: string): SeenEvent[] {
  if (type !== 'application/cloudevents-batch+json') {
    return text.split('\n').map((line) => ({ id: undefined, data: JSON.parse(line) }))
  }
  const events = JSON.parse(text) as { id: string; source: string; data: SeenEvent['data'] }[]
  return events.map(({ id, source, data }) => ({ id: `${source} ${id}`, data }))
}

async function readBody(
  request: IncomingMessage,
): Promise<{ readonly body: Buffer; readonly wireBytes: number }> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const sent = Buffer.concat(chunks)
  const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
  return { body, wireBytes: sent.length }
}

function problem(code: string) {
  return { code, message: `the test asked for ${code}` }
}

function answer(response: ServerResponse, status: number, body: object): unknown {
  return response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify(body))
}
