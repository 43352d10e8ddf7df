import { Redis } from 'ioredis'
import * as scripts from './scripts.ts'

type Reply = (string | null)[]
type Arguments = (string | number)[]

/** The scripts of `scripts.ts` as commands: keys first, then arguments. */
export interface RedisScripts {
  kappaClaim(...keysAndArguments: Arguments): Promise<[string, string, number]>
  kappaApply(
    ...keysAndArguments: (string | number | Buffer)[]
  ): Promise<[string, (string | number)?]>
  kappaFreeze(...keysAndArguments: Arguments): Promise<[string, string?]>
  kappaStatus(...keysAndArguments: Arguments): Promise<Reply>
  kappaScan(...keysAndArguments: Arguments): Promise<Reply>
  kappaCount(...keysAndArguments: Arguments): Promise<[string | null, number?]>
  kappaReadBuffer(...keysAndArguments: Arguments): Promise<(Buffer | null)[]>
  kappaPoint(...keysAndArguments: Arguments): Promise<Reply>
  kappaTell(...keysAndArguments: Arguments): Promise<string>
}

export type RedisClient = Redis & RedisScripts

export interface RedisClientSettings {
  readonly url: string
  readonly password: string | undefined
  /** Bound on a connection's start and on each command. */
  readonly timeoutMs: number
}

/**
 * A client that never lets a caller wait for a Redis that is away: without a connection commands
 * fail at once, with one after `timeoutMs`. Commands of one turn of the event loop go together.
 */
export function connectRedis(
  settings: RedisClientSettings,
  name: string,
  onError: (error: Error) => void,
): RedisClient {
  const redis = new Redis(settings.url, {
    ...(settings.password === undefined ? {} : { password: settings.password }),
    connectionName: name,
    connectTimeout: settings.timeoutMs,
    commandTimeout: settings.timeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableAutoPipelining: true,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1_000),
    scripts: {
      kappaClaim: { lua: scripts.claim, numberOfKeys: 4 },
      kappaApply: { lua: scripts.apply, numberOfKeys: 4 },
      kappaFreeze: { lua: scripts.freeze, numberOfKeys: 4 },
      kappaStatus: { lua: scripts.status, numberOfKeys: 4, readOnly: true },
      kappaScan: { lua: scripts.scan, numberOfKeys: 4, readOnly: true },
      kappaCount: { lua: scripts.count, numberOfKeys: 4, readOnly: true },
      kappaRead: { lua: scripts.read, numberOfKeys: 4, readOnly: true },
      kappaPoint: { lua: scripts.point, numberOfKeys: 1 },
      kappaTell: { lua: scripts.tell, numberOfKeys: 1 },
    },
  })
  redis.on('error', onError)
  return redis as RedisClient
}
