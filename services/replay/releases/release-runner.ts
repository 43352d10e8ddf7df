import { setTimeout as delay } from 'node:timers/promises'
import type { OffsetsByTopic } from '@kappa/applications/offsets'
import { ApplicationError } from '@kappa/applications/problems'
import { positionKey, type ReleaseRecord, type ReleaseState } from '@kappa/applications/records'
import { KafkaError } from '@kappa/kafka/port'
import { SparkError } from '@kappa/spark-connect/errors'
import { checkTransition } from '../control/release-states.ts'
import type { Cluster } from '../launchers/launcher.ts'
import { readLogEnds } from '../log/log-ends.ts'
import { sparkConf } from '../spark/spark-conf.ts'
import { sparkKafkaFiles, sparkKafkaSystemProperties } from '../spark/spark-kafka.ts'
import { ViewPosition } from '../views/view-position.ts'
import { UndecodableEventsError, ViewFailedError, ViewRunner } from '../views/view-runner.ts'
import { prepareRelease } from './prepare-release.ts'
import type { ReleaseParts } from './release-parts.ts'
import { ReleaseSession } from './release-session.ts'
import { type ReleaseStatus, streamStatuses } from './release-status.ts'

/**
 * Keeps one release running: its cluster, its queries, its positions. A lost cluster is replaced, a
 * failed query starts again from its checkpoint; what fails again and again ends in `failed` with
 * its cause in the control log.
 */
export class ReleaseRunner {
  record: ReleaseRecord
  readonly #parts: ReleaseParts
  readonly #stop = new AbortController()
  readonly #folderDiffers: boolean
  #views: ViewRunner[] = []
  #cluster: Cluster | undefined
  #clusterStarts = 0
  #ends: OffsetsByTopic = {}
  #running: Promise<void> | undefined

  constructor(parts: ReleaseParts, record: ReleaseRecord, options: { folderDiffers: boolean }) {
    const { application, release } = record
    this.#parts = { ...parts, logger: parts.logger.child({ application, release }) }
    this.record = record
    this.#folderDiffers = options.folderDiffers
  }

  /** Resolves when the release was stopped or has failed; rejects when this instance may not go on. */
  run(): Promise<void> {
    this.#running ??= this.#keepRunning()
    return this.#running
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  status(): ReleaseStatus {
    const { application, release, state, cause } = this.record
    const cluster = this.#cluster
    return {
      application,
      release,
      state,
      cause: cause ?? null,
      folder_differs: this.#folderDiffers,
      cluster:
        cluster === undefined ? null : { address: cluster.address, starts: this.#clusterStarts },
      streams: streamStatuses(this.record.definition),
      views: this.#views.map((runner) => runner.status(runner.position.lag(this.#ends))),
    }
  }

  async #keepRunning(): Promise<void> {
    const { settings } = this
    let failures = 0
    while (!this.#stop.signal.aborted) {
      const batchesBefore = this.#batchesFinished()
      try {
        await this.#runCluster()
      } catch (error) {
        if (this.#stop.signal.aborted) return
        if (error instanceof KafkaError && error.code === 'fenced') throw error
        failures = this.#batchesFinished() > batchesBefore ? 1 : failures + 1
        const cause = error instanceof Error ? error.message : String(error)
        this.#parts.logger.error({ err: error, failures }, 'the cluster of a release failed')
        const isHopeless =
          error instanceof ApplicationError ||
          error instanceof ViewFailedError ||
          error instanceof UndecodableEventsError
        if (isHopeless || failures >= settings.failuresMax) {
          this.#publish(this.#views)
          await this.#moveTo('failed', { cause })
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

  get settings() {
    return this.#parts.config.release
  }

  /** One life of the cluster: resolves when it was stopped, rejects when it or a view failed. */
  async #runCluster(): Promise<void> {
    const { config, launcher } = this.#parts
    const { application, release, definition } = this.record
    const cluster = await launcher.start(
      {
        application,
        release,
        cores: definition.spark.cores,
        memory: definition.spark.memory,
        sparkConf: sparkConf(definition.spark, config.objectStore, this.settings.pollingDelayMs),
        secretFiles: sparkKafkaFiles(config.kafka),
        systemProperties: sparkKafkaSystemProperties(config.kafka),
      },
      { timeoutMs: this.settings.clusterStartTimeoutMs, signal: this.#stop.signal },
    )
    this.#cluster = cluster
    this.#clusterStarts += 1
    let session: ReleaseSession | undefined
    try {
      session = await ReleaseSession.connect(cluster, config, this.#parts.logger)
      await this.#start(session)
      await this.#care(session, cluster)
    } finally {
      for (const runner of this.#views) runner.stopped()
      await session?.close()
      await cluster.stop()
      this.#cluster = undefined
    }
  }

  async #start(session: ReleaseSession): Promise<void> {
    const { kafka, store, control } = this.#parts
    const prepared = await prepareRelease(this.#parts, session, this.record)
    const { application, release, definition } = this.record
    if (this.record.state === 'requested') await this.#moveTo('checked', {})
    const { state } = this.record
    if (prepared !== definition && state !== 'live')
      await this.#moveTo('starting', { definition: prepared })
    this.#views = []
    for (const [name, view] of Object.entries(prepared.views)) {
      const known = control.positions.get(positionKey(application, release, name))
      const identity = { application, release, name, view }
      const { settings } = this
      const { logger } = this.#parts
      const position = new ViewPosition(identity, {
        store,
        kafka,
        epoch: control.epoch,
        known,
        sources: prepared.sources,
        undecodable: settings.undecodable,
        logger,
      })
      await position.readCheckpoint()
      const runner = new ViewRunner({
        name,
        view,
        position,
        settings,
        streams: prepared.streams,
        logger,
      })
      runner.checkUndecodable()
      runner.started(await session.startView(identity, store))
      this.#views.push(runner)
    }
    this.#publish(this.#views)
    const views = Object.fromEntries(this.#views.map((runner) => [runner.name, runner.view]))
    // Whoever publishes learns from this record what is decoded: every query does by now.
    await this.#moveTo('live', { definition: { ...prepared, views } })
  }

  /** Until stopped: positions on every batch, freshness on every heartbeat, restarts when due. */
  async #care(session: ReleaseSession, cluster: Cluster): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true })
      if (this.#stop.signal.aborted) resolve()
    })
    const lost = cluster.gone.then((reason) => {
      throw new Error(reason)
    })
    const over = new AbortController()
    try {
      await Promise.race([
        stopped,
        lost,
        session.follow(this.#views, (runner) => this.#publish([runner])),
        this.#beat(session, over.signal),
      ])
    } finally {
      over.abort()
      lost.catch(() => undefined)
    }
  }

  async #beat(session: ReleaseSession, signal: AbortSignal): Promise<void> {
    const topics = [
      ...new Set(Object.values(this.record.definition.sources).map(({ topic }) => topic)),
    ]
    while (!signal.aborted) {
      const takenAt = Date.now()
      this.#ends = await readLogEnds(this.#parts.kafka, topics)
      for (const runner of this.#views) {
        runner.position.sample(takenAt, this.#ends)
        if (runner.isStuck(runner.position.lag(this.#ends) > 0)) {
          throw new Error(
            `View ${runner.name} has finished no batch for ${this.settings.progressTimeoutMs} ms although there are events to read.`,
          )
        }
        if (runner.isDue) await this.#restart(runner, session)
      }
      this.#publish(this.#views)
      await delay(this.settings.heartbeatMs, undefined, { signal }).catch(() => undefined)
    }
  }

  async #restart(runner: ViewRunner, session: ReleaseSession): Promise<void> {
    const { application, release } = this.record
    const { name, view } = runner
    try {
      await runner.position.readCheckpoint()
      const identity = { application, release, name, view }
      runner.started(await session.startView(identity, this.#parts.store))
    } catch (error) {
      if (!(error instanceof SparkError)) throw error
      runner.failed(error.rootCause.message)
    }
  }

  #publish(runners: readonly ViewRunner[]): void {
    this.#parts.positions.write(runners.map(({ position }) => position.record))
  }

  #batchesFinished(): number {
    return this.#views.reduce((sum, { position }) => sum + position.record.batch, 0)
  }

  async #moveTo(
    state: ReleaseState,
    change: { definition?: ReleaseRecord['definition']; cause?: string },
  ): Promise<void> {
    checkTransition(this.record.state, state)
    const { cause: _earlier, ...rest } = this.record
    const { control } = this.#parts
    const record = { ...rest, ...change, state, epoch: control.epoch, updated_at: Date.now() }
    await control.writeRelease(record, { makeLive: state === 'live' })
    this.record = record
  }
}
