import { freePorts } from '@kappa/processes/ports'
import { newPassword, RedisNode } from './redis-node.ts'
import { until } from './until.ts'

const NODES = 3
const SLOTS = 16_384
const NODE_TIMEOUT_MS = 2_000
const START_TIMEOUT_MS = 30_000

/** A real cluster of three nodes on loopback, each with a third of the slots and no replica. */
export class RedisCluster {
  readonly nodes: readonly RedisNode[]

  private constructor(nodes: readonly RedisNode[]) {
    this.nodes = nodes
  }

  static async start(name: string): Promise<RedisCluster> {
    const password = newPassword()
    const ports = await freePorts(Array.from({ length: 2 * NODES }, () => 0))
    const nodes: RedisNode[] = []
    for (let number = 0; number < NODES; number += 1) {
      const [port = 0, busPort = 0] = ports.slice(2 * number)
      const settings = [
        'cluster-enabled yes',
        `cluster-port ${busPort}`,
        `cluster-node-timeout ${NODE_TIMEOUT_MS}`,
      ]
      nodes.push(await RedisNode.start({ name: `${name}/${number}`, port, password, settings }))
    }
    const cluster = new RedisCluster(nodes)
    try {
      await cluster.#join(ports)
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  get url(): string {
    return this.nodes[0]?.url ?? ''
  }

  get passwordFile(): string {
    return this.nodes[0]?.passwordFile ?? ''
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
    await Promise.all(this.nodes.map((node) => node.stop()))
  }
}
