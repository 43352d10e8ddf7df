import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readComponents } from '@kappa/local/components'
import { type GuardedProcess, startGuarded } from '@kappa/processes/guarded-process'
import { freePorts } from '@kappa/processes/ports'
import { Redis } from 'ioredis'
import { testStack } from './stack.ts'
import { until } from './until.ts'

const NODES = 3
const SLOTS = 16_384
const NODE_TIMEOUT_MS = 2_000
const STOP_TIMEOUT_MS = 5_000
const START_TIMEOUT_MS = 30_000

interface Node {
  readonly port: number
  readonly process: GuardedProcess
  readonly redis: Redis
}

/** A real cluster of three nodes on loopback, each with a third of the slots and no replica. */
export class RedisCluster {
  readonly url: string
  readonly passwordFile: string
  readonly nodes: readonly Node[]

  private constructor(nodes: readonly Node[], passwordFile: string) {
    this.nodes = nodes
    this.passwordFile = passwordFile
    this.url = `redis://127.0.0.1:${nodes[0]?.port}`
  }

  static async start(name: string): Promise<RedisCluster> {
    const folder = join(testStack().stateFolder, name)
    mkdirSync(folder, { recursive: true })
    const password = randomBytes(16).toString('hex')
    const passwordFile = join(folder, 'password')
    writeFileSync(passwordFile, password, { mode: 0o600 })
    const ports = await freePorts(Array.from({ length: 2 * NODES }, () => 0))
    const nodes: Node[] = []
    for (let number = 0; number < NODES; number += 1) {
      const [port = 0, busPort = 0] = ports.slice(2 * number)
      nodes.push(await startNode(join(folder, String(number)), { port, busPort, password }))
    }
    const cluster = new RedisCluster(nodes, passwordFile)
    try {
      await cluster.#join(ports)
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  async #join(ports: readonly number[]): Promise<void> {
    const [first] = this.nodes
    for (const [number, { redis, port }] of this.nodes.entries()) {
      const [from, to] = [number, number + 1].map((at) => Math.floor((at * SLOTS) / NODES))
      await redis.call('CLUSTER', 'ADDSLOTSRANGE', from ?? 0, (to ?? 0) - 1)
      await first?.redis.call('CLUSTER', 'MEET', '127.0.0.1', port, ports[2 * number + 1] ?? 0)
    }
    await until(
      () => Promise.all(this.nodes.map(({ redis }) => redis.call('CLUSTER', 'INFO'))),
      (infos) =>
        infos.every((info) => {
          const text = String(info)
          return text.includes('cluster_state:ok') && text.includes(`cluster_size:${NODES}`)
        }),
      START_TIMEOUT_MS,
    )
  }

  async stop(): Promise<void> {
    for (const { redis } of this.nodes) redis.disconnect()
    await Promise.all(this.nodes.map((node) => node.process.stop(STOP_TIMEOUT_MS)))
  }
}

async function startNode(
  folder: string,
  { port, busPort, password }: { port: number; busPort: number; password: string },
): Promise<Node> {
  mkdirSync(folder, { recursive: true })
  const configFile = join(folder, 'redis.conf')
  const configuration = `bind 127.0.0.1
port ${port}
cluster-enabled yes
cluster-port ${busPort}
cluster-node-timeout ${NODE_TIMEOUT_MS}
requirepass ${password}
masterauth ${password}
dir "${folder}"
save ""
appendonly no
`
  writeFileSync(configFile, configuration, { mode: 0o600 })
  const output = openSync(join(folder, 'redis.log'), 'a', 0o600)
  try {
    const process = await startGuarded(readComponents().valkeyServer, [configFile], { output })
    const redis = new Redis(port, '127.0.0.1', { password })
    redis.on('error', () => undefined)
    await redis.ping()
    return { port, process, redis }
  } finally {
    closeSync(output)
  }
}
