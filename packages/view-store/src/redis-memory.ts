import type { Redis } from 'ioredis'
import { nodesOf } from './redis-client.ts'

export interface RedisMemory {
  /** 0 to 1: how much of it is used, on the node of a cluster that uses most; 0 where no `maxmemory` is set. */
  readonly usedShare: number
  /** `maxmemory` of all nodes; 0 where there is none. */
  readonly bytesMax: number
  /** What was removed a moment ago may still be counted. */
  readonly isFreeing: boolean
}

/** @throws the client's error while Redis is away */
export async function readRedisMemory(redis: Redis): Promise<RedisMemory> {
  const infos = await Promise.all(nodesOf(redis).map((node) => node.info('memory')))
  const nodes = infos.map((info) => ({
    used: field(info, 'used_memory'),
    max: field(info, 'maxmemory'),
    freeing: field(info, 'lazyfree_pending_objects'),
  }))
  return {
    usedShare: Math.max(...nodes.map(({ used, max }) => (max === 0 ? 0 : used / max))),
    bytesMax: nodes.reduce((sum, { max }) => sum + max, 0),
    isFreeing: nodes.some(({ freeing }) => freeing > 0),
  }
}

function field(info: string, name: string): number {
  return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
}
