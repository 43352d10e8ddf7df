import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Logger } from '@kappa/service/logger'
import { testStack } from '@kappa/test/stack'
import { Redis } from 'ioredis'
import type { Job, JobHandler } from '../jobs/job.ts'
import { JobQueue, type JobQueueParts } from '../jobs/job-queue.ts'

/** Only the tests of one file use the first: they flush it. */
export const databases = { flushed: 10, kept: 15 } as const

export const bounds = {
  concurrency: 2,
  commandTimeoutMs: 400,
  checkMs: 100,
  closeTimeoutMs: 800,
}

export function redisSettings(database: number, port?: number) {
  const { redisUrl, redisPasswordFile } = testStack()
  const url = new URL(`${redisUrl}/${database}`)
  if (port !== undefined) url.port = String(port)
  return { url: url.href, password: readFileSync(redisPasswordFile, 'utf8').trim() }
}

export function connectTestRedis(): Redis {
  const { url, password } = redisSettings(databases.flushed)
  return new Redis(url, { password })
}

export function openQueue(
  namespace: string,
  handler: JobHandler,
  more: Partial<JobQueueParts> = {},
): JobQueue {
  return JobQueue.open({
    redis: redisSettings(databases.kept),
    namespace,
    epoch: 1,
    handler,
    logger: new CollectedLog().logger,
    settings: bounds,
    ...more,
  })
}

/** A handler whose jobs run until the test ends them. */
export class HeldJobs {
  /** Every call, in order. */
  readonly calls: Job[] = []
  readonly signals: AbortSignal[] = []
  readonly #ends: ((error?: Error) => void)[] = []
  atOnce = 0
  atOnceMost = 0

  readonly handler: JobHandler = async (job, _report, signal) => {
    this.calls.push(job)
    this.signals.push(signal)
    this.atOnce += 1
    this.atOnceMost = Math.max(this.atOnceMost, this.atOnce)
    await new Promise<void>((resolve, reject) => {
      this.#ends.push((error) => (error ? reject(error) : resolve()))
    })
    this.atOnce -= 1
  }

  /** Ends the call of this number. */
  end(call: number, error?: Error): void {
    this.#ends[call]?.(error)
  }
}

export interface Line {
  readonly level: string
  readonly text: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** What would be logged. */
export class CollectedLog {
  readonly lines: Line[] = []
  readonly logger: Logger

  constructor() {
    const write = (level: string) => (fields: Readonly<Record<string, unknown>>, text: string) => {
      this.lines.push({ level, text, fields })
    }
    const logger = {
      child: () => logger,
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    }
    this.logger = logger as unknown as Logger
  }

  texts(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map(({ text }) => text)
  }
}

/**
 * The way to Redis, which can be shut (connections break and new ones are refused) or stalled (nothing
 * comes through, as with CLIENT PAUSE, which would hold up every other test as well).
 */
export class RedisDoor {
  readonly port: number
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #stalled = false

  private constructor(port: number, server: Server) {
    this.port = port
    this.#server = server
    this.#serve(server)
  }

  static async open(): Promise<RedisDoor> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new RedisDoor((server.address() as AddressInfo).port, server)
  }

  async shut(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    server?.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  async reopen(): Promise<void> {
    const server = createServer().listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.#server = server
    this.#serve(server)
  }

  stall(): void {
    this.#stalled = true
    for (const socket of this.#sockets) socket.pause()
  }

  goOn(): void {
    this.#stalled = false
    for (const socket of this.#sockets) socket.resume()
  }

  #serve(server: Server): void {
    const { hostname, port } = new URL(testStack().redisUrl)
    server.on('connection', (client) => {
      const upstream = connect(Number(port), hostname)
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket)
        socket.on('close', () => this.#sockets.delete(socket))
        // Broken connections are what this door is for.
        socket.on('error', () => socket.destroy())
      }
      client.on('close', () => upstream.destroy())
      upstream.on('close', () => client.destroy())
      client.pipe(upstream)
      upstream.pipe(client)
      if (this.#stalled) for (const socket of [client, upstream]) socket.pause()
    })
  }
}
