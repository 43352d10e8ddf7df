import { escapeGlob } from '@kappa/view-store/release-rows'
import type { Redis } from 'ioredis'

const scanCount = 500

/** Before all keys of an installation's queues; a hash tag, so that they share a slot of a cluster. */
export function queuePrefix(namespace: string): string {
  return `{${namespace}:jobs}`
}

/** A queue for each opening of the control log: who was fenced never takes a job of who came after. */
export function queueName(epoch: number): string {
  return `replay-${epoch}`
}

/**
 * Removes the queues of earlier epochs, and what an opening that wrote nothing has left under this
 * one: their jobs are in the control log, where the new instance finds them.
 *
 * @returns how many keys it removed
 * @throws the client's error
 */
export async function removeEarlierQueues(
  redis: Redis,
  namespace: string,
  epoch: number,
): Promise<number> {
  const start = `${queuePrefix(namespace)}:replay-`
  const pattern = `${escapeGlob(start)}*`
  let removed = 0
  let cursor = '0'
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', scanCount)
    const earlier = keys.filter((key) => {
      const [, number] = /^(\d+):/.exec(key.slice(start.length)) ?? []
      return number !== undefined && Number(number) <= epoch
    })
    if (earlier.length > 0) removed += await redis.unlink(...earlier)
    cursor = next
  } while (cursor !== '0')
  return removed
}
