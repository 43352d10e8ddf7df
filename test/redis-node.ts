import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readComponents } from '@kappa/local/components'
import { type GuardedProcess, startGuarded } from '@kappa/processes/guarded-process'
import { Redis } from 'ioredis'
import { testStack } from './stack.ts'

const STOP_TIMEOUT_MS = 5_000

export interface RedisNodeOptions {
  /** Folder of its own under that of the test's stack. */
  readonly name: string
  readonly port: number
  /** Of other nodes that it talks to; one of its own by default. */
  readonly password?: string
  /** Further lines of its configuration. */
  readonly settings?: readonly string[]
}

/** A Redis of a test's own on loopback, which it may fill, stop and kill. */
export class RedisNode {
  readonly url: string
  readonly port: number
  readonly passwordFile: string
  readonly redis: Redis
  readonly #process: GuardedProcess

  private constructor(port: number, passwordFile: string, password: string, child: GuardedProcess) {
    this.url = `redis://127.0.0.1:${port}`
    this.port = port
    this.passwordFile = passwordFile
    this.#process = child
    this.redis = new Redis(port, '127.0.0.1', { password })
    this.redis.on('error', () => undefined)
  }

  static async start(options: RedisNodeOptions): Promise<RedisNode> {
    const { name, port, password = newPassword(), settings = [] } = options
    const folder = join(testStack().stateFolder, name)
    mkdirSync(folder, { recursive: true })
    const passwordFile = join(folder, 'password')
    writeFileSync(passwordFile, password, { mode: 0o600 })
    const configuration = [
      'bind 127.0.0.1',
      `port ${port}`,
      `requirepass ${password}`,
      `masterauth ${password}`,
      `dir "${folder}"`,
      'save ""',
      'appendonly no',
      ...settings,
    ]
    const configFile = join(folder, 'redis.conf')
    writeFileSync(configFile, configuration.map((line) => `${line}\n`).join(''), { mode: 0o600 })
    const output = openSync(join(folder, 'redis.log'), 'a', 0o600)
    try {
      const child = await startGuarded(readComponents().valkeyServer, [configFile], { output })
      const node = new RedisNode(port, passwordFile, password, child)
      await node.redis.ping()
      return node
    } finally {
      closeSync(output)
    }
  }

  get pid(): number {
    return this.#process.pid
  }

  async stop(): Promise<void> {
    this.redis.disconnect()
    await this.#process.stop(STOP_TIMEOUT_MS)
  }
}

export function newPassword(): string {
  return randomBytes(16).toString('hex')
}
