import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@kappa/service/logger'
import type { Redis } from 'ioredis'

/**
 * Knows whether Redis answers: asks it from time to time, and logs the beginning and the end of an
 * outage once, whatever the connections say in between.
 */
export class RedisWatch {
  readonly #redis: Redis
  readonly #logger: Logger
  readonly #onAnswer: () => Promise<void>
  readonly #stop = new AbortController()
  readonly #watching: Promise<void>
  #asking: Promise<void> | undefined
  #answers = false
  #failedAt: number | undefined

  /**
   * @param redis one whose commands fail in time
   * @param onAnswer after every answer; Redis counts as away when it rejects
   */
  constructor(redis: Redis, logger: Logger, checkMs: number, onAnswer: () => Promise<void>) {
    this.#redis = redis
    this.#logger = logger
    this.#onAnswer = onAnswer
    redis.on('ready', () => void this.#ask())
    redis.on('close', () => {
      this.#answers = false
    })
    redis.on('error', (error) => this.failed(error))
    this.#watching = this.#watch(checkMs)
  }

  /** As of the last time that it was asked. */
  get answers(): boolean {
    return this.#answers
  }

  /** To be told of errors of other connections to the same Redis. */
  failed(error: Error): void {
    if (this.#failedAt !== undefined || this.#stop.signal.aborted) return
    this.#failedAt = Date.now()
    // Its words alone: ioredis hangs the command onto an error, for AUTH with the password.
    this.#logger.warn({ reason: error.message }, 'Redis is away: no job is taken meanwhile')
  }

  /** To be called when the connection is closed, or about to be. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#redis.disconnect()
    await this.#watching
  }

  async #watch(checkMs: number): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#ask()
      await delay(checkMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** One question at a time. */
  #ask(): Promise<void> {
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #askOnce(): Promise<void> {
    // Without a connection ioredis says itself why.
    if (this.#redis.status !== 'ready') return
    try {
      await this.#redis.ping()
      await this.#onAnswer()
      this.#answers = true
      if (this.#failedAt === undefined) return
      this.#logger.info({ outage_ms: Date.now() - this.#failedAt }, 'Redis is back')
      this.#failedAt = undefined
    } catch (error) {
      this.#answers = false
      this.failed(error as Error)
    }
  }
}
