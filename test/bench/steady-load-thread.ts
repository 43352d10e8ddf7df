/** Sends what `steadyLoad` asks for; answers the latencies in milliseconds. */
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { SteadyLoadOptions } from './steady-load.ts'

const CONNECTIONS = 10
const { url, paths, rate, warmUpSeconds, seconds }: SteadyLoadOptions = workerData
const { host, hostname, port } = new URL(url)
const warmUp = rate * warmUpSeconds
const total = warmUp + rate * seconds
const latencies = new Float64Array(rate * seconds)
const requests = paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`)

let begun = 0
let sent = 0
let answered = 0
let failure: Error | undefined
const free: Connection[] = []

/** One request at a time. */
class Connection {
  readonly #socket: Socket
  #request = 0
  #received = ''

  constructor() {
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.#socket.setEncoding('latin1')
    this.#socket.once('connect', () => free.push(this))
    this.#socket.on('data', (chunk: string) => this.#receive(chunk))
    this.#socket.on('error', fail)
    this.#socket.on('close', () => fail(new Error('The connection was closed.')))
  }

  send(request: number): void {
    this.#request = request
    this.#socket.write(requests[request % requests.length] ?? '')
  }

  end(): void {
    this.#socket.removeAllListeners('close').destroy()
  }

  #receive(chunk: string): void {
    this.#received += chunk
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd < 0) return
    const head = this.#received.slice(0, headEnd)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
    if (this.#received.length < headEnd + 4 + length) return
    if (!head.startsWith('HTTP/1.1 200')) fail(new Error(`An answer was ${head}`))
    this.#received = ''
    if (this.#request >= warmUp)
      latencies[this.#request - warmUp] = performance.now() - dueAt(this.#request)
    answered += 1
    free.push(this)
    sendDue()
  }
}

function fail(error: Error): void {
  failure ??= error
}

function dueAt(request: number): number {
  return begun + (request / rate) * 1_000
}

function sendDue(): void {
  while (sent < total && free.length > 0 && dueAt(sent) <= performance.now()) {
    free.pop()?.send(sent)
    sent += 1
  }
}

const connections = Array.from({ length: CONNECTIONS }, () => new Connection())
while (free.length < CONNECTIONS && failure === undefined) await delay(1)
begun = performance.now()
while (answered < total && failure === undefined) {
  sendDue()
  await delay(1)
}
for (const connection of connections) connection.end()
if (failure !== undefined) throw failure
parentPort?.postMessage(latencies)
