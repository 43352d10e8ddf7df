import { setTimeout as delay } from 'node:timers/promises'
import { type ReleaseRecord, releaseKey } from '@kappa/applications/records'
import { KafkaError } from '@kappa/kafka/port'
import { hasCluster } from '../control/release-states.ts'
import type { ReleaseId } from '../control/releases.ts'
import type { Job } from '../jobs/job.ts'
import { type JobQueue, JobQueueError } from '../jobs/job-queue.ts'
import { isBuilding } from '../releases/release-phase.ts'
import { logFieldsOf } from '../replays/replay-id.ts'
import { progressOf } from '../replays/replay-progress.ts'
import type { RemovalParts } from '../retiring/removal-parts.ts'
import { removeRelease } from '../retiring/remove-release.ts'
import { policyOf } from '../switching/promotion.ts'
import {
  type SwitchParts,
  SwitchRefusedError,
  switchRelease,
  unfreezeAll,
} from '../switching/switch-release.ts'
import { currentOf } from './application-folders.ts'
import { ReleaseRunner } from './release-runner.ts'

type JobKind = 'replay' | 'switch' | 'remove'

const retryMs = 5_000
const unfreezeEveryMs = 30_000

export interface SupervisorParts extends SwitchParts {
  readonly removal: RemovalParts
}

/**
 * Brings about what the control log says: clusters for the releases that have to have one, none for
 * the others, and the work that is due. It looks at all releases again and again, so that nothing
 * depends on a message that could be missed.
 */
export class Supervisor {
  readonly failed: Promise<never>
  readonly #parts: SupervisorParts
  readonly #queue: JobQueue
  readonly #runners = new Map<string, ReleaseRunner>()
  readonly #stopping = new Map<string, Promise<void>>()
  readonly #over = new AbortController()
  #looking: Promise<void> | undefined
  #unfrozenAt = Number.NEGATIVE_INFINITY
  #switchesRunning = 0
  /** When a job was added last, so that one that fails is not done again at once. */
  readonly #tried = new Map<string, number>()
  #fail!: (error: unknown) => void

  constructor(parts: SupervisorParts, queue: JobQueue) {
    this.#parts = parts
    this.#queue = queue
    this.failed = new Promise((_resolve, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => undefined)
  }

  /** Takes up what an earlier instance has left, and goes on from there. */
  async start(): Promise<void> {
    await this.#restartFailed()
    this.#looking = this.#keepLooking().catch(this.#fail)
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await this.#looking
    await Promise.all([...this.#runners.values()].map((runner) => runner.stop()))
    await Promise.all(this.#stopping.values())
  }

  runner({ application, release }: ReleaseId): ReleaseRunner | undefined {
    return this.#runners.get(releaseKey(application, release))
  }

  /** Does a job of the queue. @throws what went wrong; the control log says what is due next */
  async perform(job: Job, report: (progress: object) => void, signal: AbortSignal): Promise<void> {
    const id = { application: job.application, release: job.release }
    if (job.kind === 'replay') await this.#replay(id, report, signal)
    if (job.kind === 'switch') await this.#switch(id)
    if (job.kind === 'remove') await this.#remove(id)
  }

  async #keepLooking(): Promise<void> {
    const { signal } = this.#over
    const { logger, config, releases } = this.#parts
    let changed = Promise.withResolvers<void>()
    const unsubscribe = releases.onChange(() => changed.resolve())
    while (!signal.aborted) {
      changed = Promise.withResolvers<void>()
      await this.#unfreeze()
      for (const record of releases.all()) {
        try {
          await this.#look(record)
        } catch (error) {
          if (error instanceof KafkaError && error.code === 'fenced') throw error
          // The queue itself says when Redis goes and comes.
          if (error instanceof JobQueueError) continue
          logger.error(
            { err: error, ...logFieldsOf(record) },
            'what is due of a release was not done',
          )
        }
      }
      const waited = delay(config.replays.reconcileIntervalMs, undefined, { signal })
      await Promise.race([changed.promise, waited]).catch(() => undefined)
    }
    unsubscribe()
  }

  async #look(record: ReleaseRecord): Promise<void> {
    const key = releaseKey(record.application, record.release)
    if (hasCluster(record.state)) {
      if (this.#runners.has(key) || this.#stopping.has(key)) return this.#lookAtRunning(record)
      if (isBuilding(record)) {
        if (this.#building() < this.#parts.config.replays.atOnceMax)
          await this.#add('replay', record)
        return
      }
      this.#run(record)
      return
    }
    if (this.#stopRunner(key) || record.state === 'paused' || record.removed) return
    if (record.state === 'cancelled' || record.state === 'retired') {
      return this.#add('remove', record)
    }
    await this.#retireIfDue(record)
  }

  async #lookAtRunning(record: ReleaseRecord): Promise<void> {
    const { releases } = this.#parts
    const { state, keep_until } = record
    if (record.switching && (state === 'ready' || state === 'standby')) {
      return this.#add('switch', record, record.switching.requested_at)
    }
    if (state === 'ready') await this.#followPolicy(record)
    if (state === 'standby' && keep_until !== undefined && Date.now() >= keep_until) {
      const retainMs = record.replay?.retain_ms ?? this.#parts.config.replays.retainMs
      await releases.moveIf(record, ['standby'], {
        state: 'retained',
        keep_until: Date.now() + retainMs,
      })
    }
  }

  async #followPolicy(record: ReleaseRecord): Promise<void> {
    const { releases } = this.#parts
    const policy = policyOf(releases, record)
    if (!policy) return
    const from = releases.pointer(record.application)?.release ?? null
    await releases.update(record, ({ state, note }) => {
      if (state !== 'ready') return undefined
      if (policy.promote) {
        return { switching: { kind: 'promote', from, requested_at: Date.now() } }
      }
      return note?.text === policy.reason
        ? undefined
        : { note: { text: policy.reason, at: Date.now() } }
    })
  }

  /** One job for each time that a release has come into its state; one that failed is tried again later. */
  async #add(kind: JobKind, record: ReleaseRecord, since = record.updated_at): Promise<void> {
    const id = `${record.state}-${since}`
    const key = `${kind} ${releaseKey(record.application, record.release)} ${id}`
    const again = Date.now() - (this.#tried.get(key) ?? 0) > retryMs
    const added = await this.#queue.add(kind, idOf(record), { id, again })
    if (added === 'added') this.#tried.set(key, Date.now())
  }

  #building(): number {
    return [...this.#runners.values()].filter(({ isBuilding: building }) => building).length
  }

  async #retireIfDue(record: ReleaseRecord): Promise<void> {
    const { releases } = this.#parts
    const { keep_until, state } = record
    if (keep_until === undefined || Date.now() < keep_until || releases.isLive(record)) return
    await releases.moveIf(record, ['retained', 'failed'], { state: 'retired' })
    this.#parts.logger.info(
      { ...logFieldsOf(record), was: state },
      'a release was kept long enough',
    )
  }

  #run(record: ReleaseRecord): ReleaseRunner {
    const key = releaseKey(record.application, record.release)
    const runner = this.#runners.get(key) ?? new ReleaseRunner(this.#parts, idOf(record))
    if (this.#runners.has(key)) return runner
    this.#runners.set(key, runner)
    runner
      .run()
      .catch(this.#fail)
      .finally(() => this.#runners.delete(key))
    return runner
  }

  /** Whether there is one that has not stopped yet. */
  #stopRunner(key: string): boolean {
    const runner = this.#runners.get(key)
    if (runner && !this.#stopping.has(key)) {
      const stopped = runner.stop().finally(() => this.#stopping.delete(key))
      this.#stopping.set(key, stopped)
    }
    return this.#stopping.has(key)
  }

  /** Lasts as long as the release is being built. */
  async #replay(
    id: ReleaseId,
    report: (progress: object) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { releases } = this.#parts
    while (!signal.aborted) {
      const record = releases.find(id)
      if (!record || !hasCluster(record.state) || !isBuilding(record)) return
      if (!this.#stopping.has(releaseKey(id.application, id.release))) this.#run(record)
      const life = this.runner(id)?.life
      report({ state: record.state, ...(life && progressOf(record, life)) })
      await releases.changed(id, this.#parts.config.replays.reconcileIntervalMs, signal)
    }
  }

  async #switch(id: ReleaseId): Promise<void> {
    const { releases, logger } = this.#parts
    const { switching } = releases.get(id)
    if (!switching) return
    this.#switchesRunning += 1
    try {
      const frozenMs = await switchRelease(this.#parts, id)
      await releases.update(id, ({ switched }) =>
        switched ? { switched: { ...switched, frozen_ms: frozenMs } } : undefined,
      )
      logger.info(
        { ...logFieldsOf(releases.get(id)), kind: switching.kind, frozenMs },
        'readers get another release',
      )
    } catch (error) {
      if (error instanceof KafkaError && error.code === 'fenced') throw error
      const text = error instanceof Error ? error.message : String(error)
      const note = { text, at: Date.now() }
      // Nobody waits for a stopped release that comes back: it is tried again until it is live.
      const comesBack = switching.kind === 'rollback' && releases.get(id).state === 'ready'
      const isForNow = error instanceof SwitchRefusedError && error.isForNow
      await releases.update(id, () =>
        isForNow && comesBack ? { note } : { note, switching: undefined },
      )
      if (!(error instanceof SwitchRefusedError)) throw error
      logger.warn({ ...logFieldsOf(releases.get(id)), reason: text }, 'a switch did not come about')
    } finally {
      this.#switchesRunning -= 1
    }
  }

  async #remove(id: ReleaseId): Promise<void> {
    const { effects, releases } = this.#parts
    const record = releases.get(id)
    if (record.removed || !['cancelled', 'retired'].includes(record.state)) return
    const { removal, control, launcher } = this.#parts
    await effects.perform('remove release', id, async () => {
      await removeRelease(removal, record)
      await control.removePositions(id.application, id.release)
      await launcher.remove(id)
    })
    await releases.update(id, () => ({ removed: true, keep_until: undefined }))
  }

  /** A release that readers still get, or that would be the first, is tried again. */
  async #restartFailed(): Promise<void> {
    const { releases } = this.#parts
    for (const { application, release, state } of releases.all()) {
      if (state !== 'failed') continue
      const id = { application, release }
      if (releases.isLive(id)) await releases.update(id, () => ({ state: 'live' }))
      else if (currentOf(releases, application)?.release === release) {
        await releases.update(id, () => ({ state: 'requested' }))
      }
    }
  }

  /**
   * Rows that stand still though nothing is switched: a switch of an instance before this one was
   * broken off, or Redis went back to a moment at which one was going on.
   */
  async #unfreeze(): Promise<void> {
    if (this.#switchesRunning > 0 || performance.now() - this.#unfrozenAt < unfreezeEveryMs) return
    try {
      await unfreezeAll(this.#parts)
      this.#unfrozenAt = performance.now()
    } catch (error) {
      this.#parts.logger.warn({ err: error }, 'Redis cannot be reached; no release is switched yet')
    }
  }
}

function idOf({ application, release }: ReleaseRecord): ReleaseId {
  return { application, release }
}
