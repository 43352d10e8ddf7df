import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@kappa/service/logger'
import type { RedisSettings } from '@kappa/service/settings'
import { Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { type Job, type JobHandler, jobKey } from './job.ts'
import { queueName, queuePrefix, removeEarlierQueues } from './queue-names.ts'
import { connectForCommands, connectForWorker } from './queue-redis.ts'
import { RedisWatch } from './redis-watch.ts'
import { RunningJobs } from './running-jobs.ts'

export interface JobQueueParts {
  readonly redis: RedisSettings
  readonly namespace: string
  /** Of the control log as this instance opened it. */
  readonly epoch: number
  readonly handler: JobHandler
  readonly logger: Logger
  readonly settings: JobQueueSettings
}

export interface JobQueueSettings {
  /** Jobs that run at a time. */
  readonly concurrency: number
  /** Bound on each command of Redis that somebody waits for. */
  readonly commandTimeoutMs: number
  /** How often Redis is asked whether it is there. */
  readonly checkMs: number
  /** How long closing waits for handlers that run. */
  readonly closeTimeoutMs: number
}

export class JobQueueError extends Error {
  readonly code: 'unavailable' | 'closed'

  constructor(code: JobQueueError['code'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'JobQueueError'
    this.code = code
  }
}

/** What became of an `add`: it is new, it waits, it runs here, or it has ended and is not done again. */
export type Added = 'added' | 'waiting' | 'running' | 'completed' | 'failed'

const keptJobsMax = 200
const releaseMsMax = 1_000

/**
 * Runs jobs by BullMQ. Redis may lose all of it at any time: what is to be done is in the control log,
 * and whoever reads it there adds the jobs again.
 */
export class JobQueue {
  readonly #parts: JobQueueParts
  readonly #logger: Logger
  readonly #commands: Redis
  readonly #workerRedis: Redis
  readonly #queue: Queue<Job>
  readonly #worker: Worker<Job>
  readonly #running: RunningJobs
  readonly #watch: RedisWatch
  #begun = false
  #closed: Promise<void> | undefined

  private constructor(parts: JobQueueParts) {
    const { namespace, epoch, settings, redis } = parts
    const name = queueName(epoch)
    this.#parts = parts
    this.#logger = parts.logger.child({ queue: name })
    this.#commands = connectForCommands(redis, settings.commandTimeoutMs)
    this.#workerRedis = connectForWorker(redis, settings.commandTimeoutMs)
    this.#running = new RunningJobs(parts.handler, this.#logger)
    // Asking for the version would break the queue for good when Redis goes away in that moment.
    const shared = { prefix: queuePrefix(namespace), skipVersionCheck: true }
    this.#queue = new Queue(name, {
      ...shared,
      connection: this.#commands,
      // Redis may forget it at any time; and what is found of this queue at the start is not ours.
      skipMetasUpdate: true,
      defaultJobOptions: {
        attempts: 1,
        removeOnComplete: { count: keptJobsMax },
        removeOnFail: { count: keptJobsMax },
      },
    })
    this.#worker = new Worker(name, (job) => this.#running.run(job), {
      ...shared,
      connection: this.#workerRedis,
      concurrency: settings.concurrency,
      autorun: false,
      // What Redis loses sight of is given out again however often: only its handler ends a job.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
    })
    this.#watch = new RedisWatch(this.#commands, this.#logger, settings.checkMs, () =>
      this.#begin(),
    )
    this.#queue.on('error', (error) => this.#watch.failed(error))
    this.#worker.on('lockRenewalFailed', (keys) => this.#running.forgotten(keys))
    this.#worker.on('error', (error) => this.#onWorkerError(error))
  }

  /**
   * Is there at once, and works as soon as Redis does: then the queues of earlier epochs go, and jobs
   * are taken.
   */
  static open(parts: JobQueueParts): JobQueue {
    return new JobQueue(parts)
  }

  /** Whether jobs can be added and are taken, as of the last look. */
  get healthy(): boolean {
    return this.#begun && this.#watch.answers && this.#closed === undefined
  }

  /** How many jobs run at a time; those that run already are not ended. */
  set concurrency(jobs: number) {
    this.#worker.concurrency = jobs
  }

  /** For the board. */
  get bull(): Queue {
    return this.#queue
  }

  /**
   * Adds a job unless it is there or runs here, also when Redis has forgotten it.
   *
   * @param options `again`: one that has ended is done once more
   * @throws JobQueueError `unavailable` while Redis is away, `closed`; Error for a bad kind or id
   */
  async add(
    kind: string,
    { application, release }: { readonly application: string; readonly release: number },
    { id, again = false }: { readonly id: string; readonly again?: boolean },
  ): Promise<Added> {
    const job: Job = { kind, application, release, id }
    const key = jobKey(job)
    if (this.#closed) throw new JobQueueError('closed', 'The job queue is closed.')
    if (this.#running.has(key)) return 'running'
    if (!this.healthy) {
      throw new JobQueueError('unavailable', `Redis is away: the job ${key} was not added.`)
    }
    try {
      const state = await this.#queue.getJobState(key)
      const hasEnded = state === 'completed' || state === 'failed'
      if (hasEnded && !again) return state
      if (!hasEnded && state !== 'unknown') return 'waiting'
      if (hasEnded) await this.#queue.remove(key)
      await this.#queue.add(kind, job, { jobId: key })
      return 'added'
    } catch (cause) {
      throw new JobQueueError('unavailable', `Redis did not take the job ${key}.`, { cause })
    }
  }

  /** Aborts the handlers that run, waits for them and lets go of Redis. Idempotent, bounded in time. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    // Takes no job from here on, and waits for nothing.
    void this.#worker.pause(true)
    const reason = new JobQueueError('closed', 'The job queue is closed.')
    await this.#running.stop(reason, this.#parts.settings.closeTimeoutMs)
    const released = Promise.allSettled([this.#worker.close(true), this.#queue.close()])
    await Promise.race([released, delay(releaseMsMax, undefined, { ref: false })])
    this.#workerRedis.disconnect()
    await this.#watch.close()
  }

  async #begin(): Promise<void> {
    if (this.#begun || this.#closed) return
    const { namespace, epoch } = this.#parts
    const keys = await removeEarlierQueues(this.#commands, namespace, epoch)
    if (keys > 0) this.#logger.info({ keys }, 'queues of earlier epochs removed')
    if (this.#closed) return
    this.#begun = true
    this.#worker.run().catch((error: Error) => this.#onWorkerError(error))
  }

  #onWorkerError(error: Error & { code?: unknown }): void {
    // Comes with `lockRenewalFailed`, every few seconds for as long as the job runs.
    if (/^could not renew lock/.test(error.message)) return
    // BullMQ numbers its own: the outcome of a job that Redis has lost meanwhile.
    if (typeof error.code === 'number') {
      this.#logger.info({ reason: error.message }, 'the outcome of a job was not stored')
    } else if (this.#closed === undefined) this.#watch.failed(error)
  }
}
