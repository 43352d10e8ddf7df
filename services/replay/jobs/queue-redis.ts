import type { RedisSettings } from '@kappa/service/settings'
import { Redis } from 'ioredis'

const reconnectMsMax = 1_000

/** For commands that somebody waits for: without a connection they fail at once, with one in time. */
export function connectForCommands(settings: RedisSettings, timeoutMs: number): Redis {
  return connect(settings, {
    connectionName: 'kappa-jobs',
    commandTimeout: timeoutMs,
    connectTimeout: timeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
  })
}

/** For BullMQ's worker, which wants to wait for a Redis that is away as long as it takes. */
export function connectForWorker(settings: RedisSettings, timeoutMs: number): Redis {
  return connect(settings, {
    connectionName: 'kappa-jobs-worker',
    connectTimeout: timeoutMs,
    maxRetriesPerRequest: null,
  })
}

function connect(
  { url, password }: RedisSettings,
  options: {
    connectionName: string
    connectTimeout: number
    maxRetriesPerRequest: number | null
    commandTimeout?: number
    enableOfflineQueue?: boolean
  },
): Redis {
  return new Redis(url, {
    ...(password === undefined ? {} : { password }),
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, reconnectMsMax),
    ...options,
  })
}
