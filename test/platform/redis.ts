import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { testStack } from '../stack.ts'

function connect(url: string): Redis {
  return new Redis(url, {
    password: readFileSync(testStack().redisPasswordFile, 'utf8').trim(),
  })
}

/** Loses everything in one Redis database, as a failure would. */
export async function flushRedis(url: string): Promise<void> {
  const redis = connect(url)
  try {
    await redis.flushdb()
  } finally {
    redis.disconnect()
  }
}

/** Keys of the partitions of views whose rows stand still, of whatever release. */
export async function frozenSlots(url: string, namespace: string): Promise<string[]> {
  const redis = connect(url)
  try {
    const metas = await redis.keys(`${namespace}:{*}:meta`)
    const frozen = await Promise.all(metas.map((key) => redis.hget(key, 'frozen')))
    return metas.filter((_, index) => frozen[index] === '1')
  } finally {
    redis.disconnect()
  }
}
