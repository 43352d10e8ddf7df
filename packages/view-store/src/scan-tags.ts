import type { RedisClient } from './redis-client.ts'

/** Keys that Redis looks at in one step: it keeps everyone else waiting meanwhile. */
const KEYS_PER_STEP = 1_000

/**
 * The hash tags (what is between the braces) of a namespace's keys that begin with `prefix`, some
 * of them several times. Keys that are there from the first step to the last are found for sure.
 */
export async function* scanTags(
  redis: RedisClient,
  namespace: string,
  prefix: string,
): AsyncGenerator<string> {
  const begin = `${namespace}:{`
  const pattern = `${escapeGlob(`${begin}${prefix}`)}*`
  let cursor = '0'
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', KEYS_PER_STEP)
    for (const key of keys) yield key.slice(begin.length, key.indexOf('}'))
    cursor = next
  } while (cursor !== '0')
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&')
}
