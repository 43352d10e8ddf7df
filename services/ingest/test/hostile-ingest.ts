import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { ServiceProcess } from '@kappa/test/platform/service-process'
import { testStack } from '@kappa/test/stack'
import type { BystanderReport } from './bystander.ts'
import { delay, delaySchema, schemasFolder, testEnvironment } from './fixture.ts'

const tree = {
  type: 'record',
  name: 'Tree',
  fields: [{ name: 'children', type: { type: 'array', items: 'Tree' }, default: [] }],
}
const schema = {
  ...delaySchema,
  fields: [
    ...delaySchema.fields,
    { name: 'tags', type: { type: 'array', items: 'string' }, default: [] },
    { name: 'nothings', type: { type: 'array', items: 'null' }, default: [] },
    { name: 'counts', type: { type: 'map', values: 'int' }, default: {} },
    { name: 'tree', type: ['null', tree], default: null },
  ],
}
const topicFile = { key: 'tail_number', id: 'event_id', event_time: 'departed_at', partitions: 2 }

const rawTimeoutMs = 20_000

export interface Attack {
  readonly body: string | Buffer
  /** Below the service's URL; the topic's events when left out. */
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface HostileAnswer {
  readonly status: number
  readonly text: string
}

/** An ingest in a process of its own, to be attacked while a bystander publishes. */
export class HostileIngest {
  readonly topic: string
  readonly process: ServiceProcess

  static async start(environment: Readonly<Record<string, string>> = {}): Promise<HostileIngest> {
    const topic = `hostile-${randomUUID().slice(0, 8)}`
    const folder = await schemasFolder({
      [`${topic}/topic.yaml`]: JSON.stringify(topicFile),
      [`${topic}/1.avsc`]: JSON.stringify(schema),
      [`${topic}.bystander/topic.yaml`]: JSON.stringify(topicFile),
      [`${topic}.bystander/1.avsc`]: JSON.stringify(delaySchema),
    })
    const log = join(testStack().stateFolder, `${topic}.log`)
    const settings = testEnvironment(folder, {
      KAPPA_LOG_LEVEL: 'info',
      KAPPA_INGEST_CLIENT_HEADER: 'x-client',
      KAPPA_NAMESPACE: topic,
      ...environment,
    })
    return new HostileIngest(topic, await ServiceProcess.start('ingest', settings, log))
  }

  private constructor(topic: string, process: ServiceProcess) {
    this.topic = topic
    this.process = process
  }

  get eventsPath(): string {
    return `/v1/topics/${this.topic}/events`
  }

  /** Of the service's process in MiB: resident now, and at its highest since it started. */
  memory(): { now: number; peak: number } {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8')
    const read = (name: string) =>
      Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1_024)
    return { now: read('VmRSS'), peak: read('VmHWM') }
  }

  /** Sends the whole body, whatever is answered meanwhile. */
  attack({ body, path = this.eventsPath, headers }: Attack): Promise<HostileAnswer> {
    return new Promise((resolve, reject) => {
      const sent = request(`${this.process.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': body.length, ...headers },
        agent: false,
      })
      sent.once('error', reject)
      sent.once('response', (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part
        })
        response.once('error', reject)
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text }))
      })
      sent.end(typeof body === 'string' ? Buffer.from(body, 'latin1') : body)
    })
  }

  /** Writes bytes on a connection of their own, then `drip` every 100 ms, and reads to its end. */
  raw(head: string, drip?: string): Promise<string> {
    const { hostname, port } = new URL(this.process.url)
    const socket = connect(Number(port), hostname)
    let answer = ''
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text
    })
    socket.write(head)
    const cut = setTimeout(() => socket.destroy(), rawTimeoutMs)
    const dripping = drip === undefined ? undefined : setInterval(() => socket.write(drip), 100)
    return new Promise((resolve) => {
      // A connection that is cut is an answer too: the caller looks at what came before.
      socket.on('error', () => socket.destroy())
      socket.once('close', () => {
        clearTimeout(cut)
        clearInterval(dripping)
        resolve(answer)
      })
    })
  }

  /** Runs `during` while another client publishes, and tells how that one fared. */
  async beside(during: () => Promise<void>): Promise<BystanderReport> {
    const url = `${this.process.url}/v1/topics/${this.topic}.bystander/events`
    const file = new URL('./bystander.ts', import.meta.url)
    const worker = new Worker(file, { workerData: { url, event: delay() } })
    const report = new Promise<BystanderReport>((resolve, reject) => {
      worker.once('message', resolve).once('error', reject)
    })
    await Promise.race([during(), report])
    worker.postMessage('stop')
    return report
  }
}
