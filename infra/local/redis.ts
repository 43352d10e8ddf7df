import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '@kappa/processes/ports'
import { type Child, startChild } from './child.ts'
import type { ComponentContext } from './component.ts'
import type { Secrets } from './secrets.ts'

const READY_TIMEOUT_MS = 15_000
const STOP_TIMEOUT_MS = 5_000
const ANSWER_TIMEOUT_MS = 1_000
const VERSION_TIMEOUT_MS = 5_000
const MAJOR_LEAST = 7

export interface RedisOptions {
  /** Used when the system has no redis-server of version 7 or newer. */
  readonly valkeyServer: string
  readonly port: number
  readonly memoryMbMax: number
}

export interface RunningRedis {
  readonly child: Child
  readonly url: string
}

/** Starts Redis (or Valkey) on loopback with a password and without persistence: it is a copy. */
export async function startRedis(
  options: RedisOptions,
  secrets: Secrets,
  context: ComponentContext,
): Promise<RunningRedis> {
  const [port] = (await freePorts([options.port])) as [number]
  const command = (await hasSystemRedis()) ? 'redis-server' : options.valkeyServer
  mkdirSync(context.dataFolder, { recursive: true, mode: 0o700 })
  mkdirSync(context.configFolder, { recursive: true, mode: 0o700 })
  const configFile = join(context.configFolder, 'redis.conf')
  writeFileSync(configFile, configuration(port, options.memoryMbMax, secrets, context.dataFolder), {
    mode: 0o600,
  })
  const child = await startChild(
    {
      name: 'redis',
      command,
      args: [configFile],
      ready: () => answersPing(port, secrets.redisPassword),
      readyTimeoutMs: READY_TIMEOUT_MS,
      stopTimeoutMs: STOP_TIMEOUT_MS,
    },
    context.folders,
    context.signal,
  )
  return { child, url: `redis://127.0.0.1:${port}` }
}

function configuration(
  port: number,
  memoryMbMax: number,
  secrets: Secrets,
  folder: string,
): string {
  return `bind 127.0.0.1
protected-mode yes
port ${port}
requirepass ${secrets.redisPassword}
daemonize no
dir "${folder}"
save ""
appendonly no
maxmemory ${memoryMbMax}mb
maxmemory-policy noeviction
databases 32
`
}

async function hasSystemRedis(): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)('redis-server', ['--version'], {
      timeout: VERSION_TIMEOUT_MS,
    })
    return Number(/v=(\d+)\./.exec(stdout)?.[1]) >= MAJOR_LEAST
  } catch {
    // Not installed: Valkey comes with the set-up.
    return false
  }
}

/** The two commands by hand: a client library for a readiness check is not worth its weight. */
function answersPing(port: number, password: string): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    let answer = ''
    const end = (result: true | undefined): void => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => end(undefined))
    socket.once('error', () => end(undefined))
    socket.once('close', () => end(undefined))
    socket.once('connect', () => socket.write(`AUTH ${password}\r\nPING\r\n`))
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString()
      if (answer.includes('+PONG')) end(true)
    })
  })
}
