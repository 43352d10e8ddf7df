import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectKafka } from '@kappa/kafka/connect'
import type { IncomingRecord } from '@kappa/kafka/port'
import { testStack } from '@kappa/test/stack'
import avsc, { type Schema } from 'avsc'
import { readIngestConfig } from '../config.ts'
import { createIngest, type IngestOverrides } from '../service.ts'

export const delaySchema = {
  type: 'record',
  name: 'Delay',
  namespace: 'test',
  fields: [
    { name: 'event_id', type: 'string' },
    { name: 'tail_number', type: ['null', 'string'], default: null },
    { name: 'delay_minutes', type: 'int' },
    { name: 'note', type: 'string', default: '' },
    { name: 'departed_at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
}

const topicFile = {
  key: 'tail_number',
  id: 'event_id',
  event_time: 'departed_at',
  partitions: 3,
  earliness: '5 minutes',
  import_disorder_max: '1 hour',
}

export interface Delay {
  readonly event_id: string
  readonly tail_number: string | null
  readonly delay_minutes: number
  readonly note?: string
  readonly departed_at: number
}

let made = 0

/** A valid event that happens now; ids do not repeat. */
export function delay(changes: Partial<Delay> = {}): Delay {
  return {
    event_id: `event-${++made}`,
    tail_number: 'N14228',
    delay_minutes: 7,
    departed_at: Date.now(),
    ...changes,
  }
}

/** A folder of contracts; `files` are texts by their path in it. */
export async function schemasFolder(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kappa-ingest-test-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  return folder
}

export function contractFiles(topic: string, changes: object = {}): Record<string, string> {
  return {
    [`${topic}/topic.yaml`]: JSON.stringify({ ...topicFile, ...changes }),
    [`${topic}/1.avsc`]: JSON.stringify(delaySchema),
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: {
    readonly topic: string
    readonly accepted: number
    readonly rejected: number
    readonly position: string | null
    readonly results: readonly {
      readonly status: string
      readonly id: string
      readonly partition: number
      readonly offset: string
      readonly error: { readonly code: string; readonly message: string; readonly path: string }
    }[]
    readonly error: { readonly code: string; readonly message: string; readonly details: unknown }
  }
}

export interface TestIngestOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** What is different in topic.yaml. */
  readonly topicFile?: object
  readonly overrides?: IngestOverrides
  /** Start over the topics of an earlier one. */
  readonly sameAs?: TestIngest
}

/** An ingest in this process on a free port, over topics of its own in the stack's Kafka. */
export class TestIngest {
  readonly url: string
  readonly #prefix: string
  readonly #stop: () => Promise<void>

  static async start(labels: string[], options: TestIngestOptions = {}): Promise<TestIngest> {
    const prefix = options.sameAs ? options.sameAs.#prefix : `ingest-test-${randomUUID()}`
    const files = labels.map((label) => contractFiles(`${prefix}.${label}`, options.topicFile))
    const folder = await schemasFolder(Object.assign({}, ...files))
    const config = readIngestConfig(testEnvironment(folder, options.environment))
    const { url, stop } = await createIngest(config, options.overrides)
    return new TestIngest(url, prefix, stop)
  }

  private constructor(url: string, prefix: string, stop: () => Promise<void>) {
    this.url = url
    this.#prefix = prefix
    this.#stop = stop
  }

  topic(label: string): string {
    return `${this.#prefix}.${label}`
  }

  /** Strings and buffers are sent as they are, everything else as JSON. */
  async publish(
    label: string,
    body: unknown,
    options: { type?: string; query?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const url = `${this.url}/v1/topics/${this.topic(label)}/events${options.query ?? ''}`
    const raw = typeof body === 'string' || Buffer.isBuffer(body)
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': options.type ?? 'application/json', ...options.headers },
      body: raw ? new Uint8Array(Buffer.from(body)) : JSON.stringify(body),
    })
    const answer = (await response.json()) as Answer['body']
    return { status: response.status, headers: response.headers, body: answer }
  }

  publishLines(label: string, lines: readonly string[]): Promise<Answer> {
    return this.publish(label, lines.join('\n'), { type: 'application/x-ndjson' })
  }

  /** A connection with the head of a publish request on it, to send the body by hand. */
  open(label: string, headers: readonly string[]): OpenRequest {
    const { hostname, port } = new URL(this.url)
    const socket = connect(Number(port), hostname)
    const head = [
      `POST /v1/topics/${this.topic(label)}/events HTTP/1.1`,
      `host: ${hostname}`,
      'content-type: application/json',
      'connection: close',
      ...headers,
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    return new OpenRequest(socket)
  }

  /** Sums of a metric over its samples that have all the labels. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text()
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && wanted.every((part) => line.includes(part)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  async stop(): Promise<void> {
    await this.#stop()
  }
}

export class OpenRequest {
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
  }

  write(text: string): void {
    this.#socket.write(text)
  }

  /** The client goes away. */
  cut(): void {
    this.#socket.destroy()
  }

  /** Status line, headers and body. */
  async answer(): Promise<string> {
    const chunks: Buffer[] = []
    for await (const chunk of this.#socket) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString()
  }
}

export function testEnvironment(
  folder: string,
  changes: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    KAPPA_KAFKA_BROKERS: testStack().kafkaBrokers,
    KAPPA_SCHEMAS_FOLDER: folder,
    KAPPA_HTTP_PORT: '0',
    KAPPA_LOG_LEVEL: 'silent',
    ...changes,
  }
}

/** Every record of a topic, read from Kafka itself. */
export async function readLog(topic: string): Promise<IncomingRecord[]> {
  const kafka = await connectKafka({
    brokers: testStack().kafkaBrokers.split(','),
    clientId: 'kappa-ingest-test',
    requestTimeoutMs: 15_000,
    connectTimeoutMs: 5_000,
  })
  try {
    const records: IncomingRecord[] = []
    for await (const record of kafka.readToEnd(topic)) records.push(record)
    return records
  } finally {
    await kafka.close()
  }
}

const delayType = avsc.Type.forSchema(delaySchema as Schema, { wrapUnions: false })

/** A record's event, decoded by avsc, which ingest does not use. */
export function decode(record: IncomingRecord): Delay {
  if (record.value === null || record.value[0] !== 0) throw new Error('not in the wire format')
  return delayType.fromBuffer(record.value.subarray(5)) as Delay
}
