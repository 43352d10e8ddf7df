import { Cluster, Redis } from 'ioredis'
import * as scripts from './scripts.ts'

type Reply = (string | null)[]
type Arguments = (string | number)[]

/** The scripts of `scripts.ts` as commands: keys first, then arguments. */
export interface RedisScripts {
  kappaClaim(...keysAndArguments: Arguments): Promise<[string, string, number]>
  kappaApply(...keysAndArguments: Arguments): Promise<[string, (string | number)?, number?]>
  kappaFreeze(...keysAndArguments: Arguments): Promise<[string, string?]>
  kappaStatus(...keysAndArguments: Arguments): Promise<Reply>
  kappaScan(...keysAndArguments: Arguments): Promise<Reply>
  kappaCount(...keysAndArguments: Arguments): Promise<[string | null, number?]>
  kappaPoint(...keysAndArguments: Arguments): Promise<Reply>
  kappaTell(...keysAndArguments: Arguments): Promise<string>
}

/** Of one Redis or of a cluster: who sends commands about one slot each sees no difference. */
export type RedisClient = Redis &
  RedisScripts & {
    /** Has `send` called when all else of this turn of the event loop has been sent. Not in a cluster. */
    sendAtLast?(send: () => void): void
  }

export interface RedisClientSettings {
  readonly url: string
  readonly password: string | undefined
  readonly cluster?: boolean
  /** Bound on a connection's start, and on the silence of a Redis that has commands to answer. */
  readonly timeoutMs: number
}

/**
 * A client that never lets a caller wait for a Redis that is away: without a connection commands
 * fail at once, with one when nothing has come from Redis for `timeoutMs`.
 */
export function connectRedis(
  settings: RedisClientSettings,
  name: string,
  onError: (error: Error) => void,
): RedisClient {
  const { password, timeoutMs } = settings
  const options = {
    ...(password === undefined ? {} : { password }),
    connectionName: name,
    connectTimeout: timeoutMs,
    // Ends the connection and all that waits for an answer: a timer for each command costs more.
    socketTimeout: timeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  }
  const redis =
    settings.cluster === true
      ? new Cluster([settings.url], {
          scripts: commands,
          enableAutoPipelining: true,
          redisOptions: options,
          enableOfflineQueue: false,
          slotsRefreshTimeout: timeoutMs,
          clusterRetryStrategy: retryAfterMs,
        })
      : new RedisThatWritesTogether(settings.url, {
          ...options,
          scripts: commands,
          retryStrategy: retryAfterMs,
        })
  redis.on('error', onError)
  return redis as unknown as RedisClient
}

/** Sends the commands of one turn of the event loop in one write, which costs more than a command. */
class RedisThatWritesTogether extends Redis {
  #isCorked = false
  #atLast: (() => void)[] = []

  override sendCommand(...command: Parameters<Redis['sendCommand']>): unknown {
    this.#cork()
    return super.sendCommand(...command)
  }

  /** Has `send` called when all else of this turn has been sent. */
  sendAtLast(send: () => void): void {
    this.#cork()
    if (this.#isCorked) this.#atLast.push(send)
    else send()
  }

  #cork(): void {
    const { stream, status } = this
    if (this.#isCorked || status !== 'ready') return
    this.#isCorked = true
    stream.cork()
    setImmediate(() => {
      const atLast = this.#atLast
      this.#atLast = []
      for (const send of atLast) send()
      this.#isCorked = false
      stream.uncork()
    })
  }
}

/** The nodes that hold keys: one scan goes over one of them. @throws Error while a cluster is away */
export function nodesOf<Client extends object>(redis: Client): readonly (Client | Redis)[] {
  if (!(redis instanceof Cluster)) return [redis]
  const nodes = redis.nodes('master')
  // One that is away is not among them, and what it has would pass for nothing.
  if (redis.status === 'ready' && nodes.length > 0) return nodes
  throw new Error(`The Redis Cluster cannot be reached: ${redis.status}.`)
}

function retryAfterMs(attempt: number): number {
  return Math.min(50 * 2 ** attempt, 1_000)
}

const commands = {
  kappaClaim: { lua: scripts.claim, numberOfKeys: 3 },
  kappaApply: { lua: scripts.apply, numberOfKeys: 3 },
  kappaFreeze: { lua: scripts.freeze, numberOfKeys: 3 },
  kappaStatus: { lua: scripts.status, numberOfKeys: 3, readOnly: true },
  kappaScan: { lua: scripts.scan, numberOfKeys: 3, readOnly: true },
  kappaCount: { lua: scripts.count, numberOfKeys: 3, readOnly: true },
  kappaPoint: { lua: scripts.point, numberOfKeys: 1 },
  kappaTell: { lua: scripts.tell, numberOfKeys: 1 },
}
