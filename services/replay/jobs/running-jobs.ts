import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@kappa/service/logger'
import type { Job as BullJob } from 'bullmq'
import { replayIdOf } from '../replays/replay-id.ts'
import { type Job, type JobHandler, jobKey } from './job.ts'
import { ProgressReport } from './progress-report.ts'

interface Running {
  readonly done: Promise<void>
  /** Redis has no lock for it any more, which is logged once. */
  forgotten: boolean
}

/** The jobs that run in this process, whatever Redis has of them. */
export class RunningJobs {
  readonly #handler: JobHandler
  readonly #logger: Logger
  readonly #jobs = new Map<string, Running>()
  readonly #stop = new AbortController()

  constructor(handler: JobHandler, logger: Logger) {
    this.#handler = handler
    this.#logger = logger
  }

  has(key: string): boolean {
    return this.#jobs.has(key)
  }

  /** Runs a job, or joins it: one that Redis has lost sight of is given out again, and ends for both. */
  async run(bull: BullJob<Job>): Promise<void> {
    const key = jobKey(bull.data)
    const known = this.#jobs.get(key)
    if (known) return known.done
    const done = this.#handle(bull)
    this.#jobs.set(key, { done, forgotten: false })
    try {
      await done
    } finally {
      this.#jobs.delete(key)
    }
  }

  /** To be told of jobs that Redis has no lock for. */
  forgotten(keys: readonly string[]): void {
    for (const key of keys) {
      const running = this.#jobs.get(key)
      if (!running || running.forgotten) continue
      running.forgotten = true
      this.#logger.warn({ job: key }, 'Redis has lost a job that runs: it goes on')
    }
  }

  /** Aborts all and waits for them, for a bounded time. */
  async stop(reason: Error, timeoutMs: number): Promise<void> {
    this.#stop.abort(reason)
    const ended = Promise.allSettled([...this.#jobs.values()].map(({ done }) => done))
    const late = delay(timeoutMs, 'late' as const, { ref: false })
    if ((await Promise.race([ended, late])) !== 'late') return
    this.#logger.warn({ jobs: [...this.#jobs.keys()] }, 'jobs did not end in time')
  }

  async #handle(bull: BullJob<Job>): Promise<void> {
    const { kind, application, release, id } = bull.data
    const replay = kind === 'replay' ? { replay: replayIdOf({ application, release }) } : {}
    const logger = this.#logger.child({ kind, application, release, id, ...replay })
    const progress = new ProgressReport(
      (value) => bull.updateProgress(value),
      (error) => logger.debug({ reason: messageOf(error) }, 'progress was not stored'),
    )
    try {
      const job = { kind, application, release, id }
      await this.#handler(job, (value) => progress.report(value), this.#stop.signal)
    } catch (error) {
      if (this.#stop.signal.aborted) logger.info({ reason: messageOf(error) }, 'job called off')
      else logger.error({ err: error }, 'job failed')
      throw error
    } finally {
      progress.end()
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
