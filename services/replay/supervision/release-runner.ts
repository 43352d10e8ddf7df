import { setTimeout as delay } from 'node:timers/promises'
import { ApplicationError } from '@kappa/applications/problems'
import type { ReleaseRecord } from '@kappa/applications/records'
import { KafkaError } from '@kappa/kafka/port'
import { ClusterLife } from '../clusters/cluster-life.ts'
import { hasCluster } from '../control/release-states.ts'
import type { ReleaseId } from '../control/releases.ts'
import type { ReleaseParts } from '../releases/release-parts.ts'
import { isBuilding } from '../releases/release-phase.ts'
import { logFieldsOf } from '../replays/replay-id.ts'
import { UndecodableEventsError, ViewFailedError } from '../views/view-runner.ts'
import { advanceRelease, ReleaseSpoiledError } from './advance-release.ts'

/**
 * Keeps one release running: its cluster, its queries, its positions. A lost cluster is replaced, a
 * failed query starts again from its checkpoint; what fails again and again ends in `failed` with
 * its cause in the control log.
 */
export class ReleaseRunner {
  readonly id: ReleaseId
  readonly #parts: ReleaseParts
  readonly #stop = new AbortController()
  #life: ClusterLife | undefined
  #clusterStarts = 0
  #running: Promise<void> | undefined

  constructor(parts: ReleaseParts, { application, release }: ReleaseId) {
    this.id = { application, release }
    const logger = parts.logger.child(logFieldsOf(parts.releases.get(this.id)))
    this.#parts = { ...parts, logger }
  }

  get life(): ClusterLife | undefined {
    return this.#life
  }

  get isBuilding(): boolean {
    return isBuilding(this.#record)
  }

  get clusterStarts(): number {
    return this.#clusterStarts
  }

  /** Resolves when the release was stopped or has failed; rejects when this instance may not go on. */
  run(): Promise<void> {
    this.#running ??= this.#keepRunning()
    return this.#running
  }

  /** Resolves when its cluster is proven gone. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running?.catch(() => undefined)
  }

  get #record(): ReleaseRecord {
    return this.#parts.releases.get(this.id)
  }

  async #keepRunning(): Promise<void> {
    const { release: settings } = this.#parts.config
    let failures = 0
    while (!this.#stop.signal.aborted && hasCluster(this.#record.state)) {
      const batchesBefore = this.#batchesCommitted()
      try {
        await this.#runCluster()
        failures = 0
      } catch (error) {
        if (this.#stop.signal.aborted) return
        if (error instanceof KafkaError && error.code === 'fenced') throw error
        failures = this.#batchesCommitted() > batchesBefore ? 1 : failures + 1
        this.#parts.logger.error({ err: error, failures }, 'the cluster of a release failed')
        if (isHopeless(error) || failures >= settings.failuresMax) {
          await this.#fail(error instanceof Error ? error.message : String(error))
          return
        }
        const delayMs = Math.min(
          settings.restartDelayMsMin * 2 ** failures,
          settings.restartDelayMsMax,
        )
        await delay(delayMs, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      }
    }
  }

  /** Resolves when it was stopped or the cluster has to be another one; rejects when it failed. */
  async #runCluster(): Promise<void> {
    const { effects, logger } = this.#parts
    const { signal } = this.#stop
    const life = await ClusterLife.start(this.#parts, this.#record, signal)
    this.#life = life
    this.#clusterStarts += 1
    const over = new AbortController()
    const stopped = new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    try {
      const advancing = advanceRelease(this.#parts, this.id, life, over.signal)
      advancing.catch(() => undefined)
      await Promise.race([stopped, advancing])
    } finally {
      over.abort()
      // A release whose instance was fenced leaves its cluster to whoever took over; ours ends anyway.
      await effects
        .perform('stop cluster', this.id, () => life.stop())
        .catch(async (error: unknown) => {
          await life.stop().catch((problem: unknown) => {
            logger.error({ err: problem }, 'a cluster could not be stopped')
          })
          throw error
        })
      this.#life = undefined
    }
  }

  async #fail(cause: string): Promise<void> {
    const { releases, config, logger, positions } = this.#parts
    const record = this.#record
    await positions.settled()
    const retainMs = record.replay?.retain_ms ?? config.replays.retainMs
    const moved = await releases.moveIf(this.id, statesThatFail, {
      state: 'failed',
      cause,
      switching: undefined,
      ...(releases.isLive(this.id) || record.replay === undefined
        ? {}
        : { keep_until: Date.now() + retainMs }),
    })
    if (!moved) logger.info({ cause }, 'the release was ended before it could be called failed')
  }

  /** Of all lives: the control log remembers what the last one has published. */
  #batchesCommitted(): number {
    const { application, release } = this.id
    return [...this.#parts.control.positions.values()]
      .filter((record) => record.application === application && record.release === release)
      .reduce((sum, { batch }) => sum + batch, 0)
  }
}

const statesThatFail = [
  'requested',
  'checked',
  'starting',
  'catching_up',
  'comparing',
  'ready',
  'live',
  'standby',
] as const

/** Whether trying again cannot help. */
function isHopeless(error: unknown): boolean {
  return (
    error instanceof ApplicationError ||
    error instanceof ViewFailedError ||
    error instanceof UndecodableEventsError ||
    error instanceof ReleaseSpoiledError
  )
}
