import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { testStack } from '../stack.ts'

/** Loses everything in one Redis database, as a failure would. */
export async function flushRedis(url: string): Promise<void> {
  const redis = new Redis(url, {
    password: readFileSync(testStack().redisPasswordFile, 'utf8').trim(),
  })
  try {
    await redis.flushdb()
  } finally {
    redis.disconnect()
  }
}
