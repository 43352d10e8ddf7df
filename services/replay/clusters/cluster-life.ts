import { setTimeout as delay } from 'node:timers/promises'
import type { SparkSize } from '@kappa/applications/definition'
import type { OffsetsByTopic } from '@kappa/applications/offsets'
import { positionKey, type ReleaseRecord, type ReleaseView } from '@kappa/applications/records'
import { SparkError, SparkTransportError } from '@kappa/spark-connect/errors'
import type { Cluster } from '../launchers/launcher.ts'
import { readLogEnds } from '../log/log-ends.ts'
import type { ReleaseParts } from '../releases/release-parts.ts'
import { isBuilding } from '../releases/release-phase.ts'
import { sparkConf } from '../spark/spark-conf.ts'
import { sparkKafkaFiles, sparkKafkaSystemProperties } from '../spark/spark-kafka.ts'
import { eventsPerBatch, type StateStore } from '../spark/state-store.ts'
import { chooseMode } from '../views/choose-mode.ts'
import type { FinishedBatch } from '../views/finished-batch.ts'
import type { UpToMode } from '../views/query-mode.ts'
import { type ViewIdentity, ViewPosition } from '../views/view-position.ts'
import { ViewQueries } from '../views/view-queries.ts'
import { ViewRunner } from '../views/view-runner.ts'
import { ReleaseSession } from './release-session.ts'

/** How long it may take until it is known why a cluster is gone whose connections are. */
const endingMs = 5_000

/** A view whose query could not be started from its checkpoint. */
export class ViewStartError extends Error {
  constructor(view: string, cause: SparkError) {
    super(`View ${view} could not be started: ${cause.rootCause.message}`, { cause })
    this.name = 'ViewStartError'
  }
}

/**
 * One life of a release's cluster: from its launch until it is stopped or lost. Its views are
 * started from their checkpoints, and again after a failure, until the life is over.
 */
export class ClusterLife {
  readonly cluster: Cluster
  readonly session: ReleaseSession
  readonly record: ReleaseRecord
  readonly views: ViewRunner[] = []
  ends: OffsetsByTopic = {}
  readonly #parts: ReleaseParts
  readonly #over = new AbortController()
  readonly #failure = Promise.withResolvers<never>()
  #queries: ViewQueries | undefined
  /** Of each view that was started again, the newest start. */
  readonly #starts = new Map<ViewRunner, Promise<void>>()

  private constructor(
    parts: ReleaseParts,
    record: ReleaseRecord,
    cluster: Cluster,
    session: ReleaseSession,
  ) {
    this.#parts = parts
    this.record = record
    this.cluster = cluster
    this.session = session
  }

  /** @throws ClusterError, SparkTransportError; nothing is left running then */
  static async start(
    parts: ReleaseParts,
    record: ReleaseRecord,
    signal: AbortSignal,
  ): Promise<ClusterLife> {
    const { config, effects, launcher, logger } = parts
    const { clusterStartTimeoutMs: timeoutMs } = config.release
    const spec = clusterSpec(parts, record)
    const cluster = await effects.perform('start cluster', record, () =>
      launcher.start(spec, { timeoutMs, signal }),
    )
    try {
      const session = await ReleaseSession.connect(cluster, config, logger)
      return new ClusterLife(parts, record, cluster, session)
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  /** Starts the query of every view of a prepared definition, one after the other. */
  async startViews(definition: ReleaseRecord['definition']): Promise<void> {
    const { control, kafka, store, config, logger, effects } = this.#parts
    const { application, release } = this.record
    const { release: settings } = config
    this.#queries = new ViewQueries({
      session: this.session.spark,
      definition: { ...definition, spark: sizeOf(this.record) },
      kafka: this.session.kafka,
      store,
      logEnds: (topics) => readLogEnds(kafka, topics),
      batchTimeoutMs: settings.progressTimeoutMs,
      signal: this.#over.signal,
    })
    for (const [name, view] of Object.entries(definition.views)) {
      const identity = { application, release, name, view }
      const position = new ViewPosition(identity, {
        store,
        kafka,
        epoch: control.epoch,
        known: control.positions.get(positionKey(application, release, name)),
        sources: definition.sources,
        undecodable: settings.undecodable,
        logger: logger.child({ view: name }),
      })
      await position.readCheckpoint()
      const { streams } = definition
      const runner = new ViewRunner({ name, view, position, settings, streams, logger })
      runner.checkUndecodable()
      this.views.push(runner)
      await effects.perform('start query', this.record, () => this.#startFirst(runner, definition))
      this.publish([runner])
    }
  }

  /** The definition with what Spark made of its views. */
  viewsAsStarted(): Record<string, ReleaseView> {
    return Object.fromEntries(this.views.map((runner) => [runner.name, runner.view]))
  }

  /**
   * Until the life is over: positions on every batch, freshness on every heartbeat, queries started
   * again when that is due.
   * @throws what ended it before that: the cluster is gone, a view may not be started again
   */
  async care(definition: ReleaseRecord['definition']): Promise<void> {
    const lost = this.cluster.gone.then((reason) => {
      if (!this.#over.signal.aborted) throw new Error(reason)
    })
    try {
      await Promise.race([
        lost,
        this.#failure.promise,
        this.session.follow(this.views, (runner) => this.publish([runner])),
        this.#beat(definition),
      ])
    } catch (error) {
      // Its connections break before it is known what has ended a cluster.
      if (error instanceof SparkTransportError) {
        await Promise.race([lost, delay(endingMs, undefined, { ref: false })])
      }
      throw error
    } finally {
      lost.catch(() => undefined)
      this.#failure.promise.catch(() => undefined)
    }
  }

  view(name: string): ViewRunner {
    const runner = this.views.find((each) => each.name === name)
    if (runner) return runner
    throw new Error(`The release has no view ${name}.`)
  }

  /** Whether the rows of every view are as fresh as those of a release that readers get. */
  isCaughtUp(): boolean {
    const oldest = Date.now() - this.#parts.config.release.catchUp.freshnessMsMax
    return (
      this.views.length > 0 &&
      this.views.every(
        ({ isCatchingUp, position }) => !isCatchingUp && position.record.current_at >= oldest,
      )
    )
  }

  /** Whether what had piled up before every query was started is read. */
  hasReadBacklog(): boolean {
    return this.views.length > 0 && this.views.every((runner) => runner.hasReadBacklog())
  }

  publish(runners: readonly ViewRunner[]): void {
    this.#parts.positions.write(runners.map(({ position }) => position.record))
  }

  batchesFinished(): number {
    return this.views.reduce((sum, { position }) => sum + position.record.batch, 0)
  }

  /** Ends the queries and the cluster; resolves when it is proven gone. */
  async stop(): Promise<void> {
    this.#over.abort()
    for (const runner of this.views) runner.stopped()
    // What the last batch has found may be why the life is over.
    this.publish(this.views)
    await this.session.close()
    await this.cluster.stop()
  }

  async #beat(definition: ReleaseRecord['definition']): Promise<void> {
    const { signal } = this.#over
    const { heartbeatMs, progressTimeoutMs } = this.#parts.config.release
    const topics = [...new Set(Object.values(definition.sources).map(({ topic }) => topic))]
    while (!signal.aborted) {
      const takenAt = Date.now()
      this.ends = await readLogEnds(this.#parts.kafka, topics)
      for (const runner of this.views) {
        runner.position.sample(takenAt, this.ends)
        if (runner.isStuck(runner.position.lag(this.ends) > 0)) {
          throw new Error(
            [
              `View ${runner.name} has finished no batch for ${progressTimeoutMs} ms although there are events to read.`,
              ...(this.cluster.problems?.() ?? []),
            ].join(' '),
          )
        }
        if (runner.isDue) {
          // A start may have to wait for a batch that was planned; the others go on meanwhile.
          runner.starting()
          const start = this.#restart(runner, definition).catch(this.#failure.reject)
          this.#starts.set(runner, start)
        }
      }
      this.publish(this.views)
      await delay(heartbeatMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Stops a view; its position is then where its last batch has ended. @throws see `ViewQueries.settle` */
  async hold(runner: ViewRunner): Promise<void> {
    // A start that is on its way would run beside what comes next.
    await this.#starts.get(runner)
    await runner.hold()
    await this.#take(runner, await this.#startedQueries().settle(this.#identity(runner)))
  }

  /** Has a view that is held read up to given offsets. @throws see `ViewQueries.runUpTo` */
  async runUpTo(runner: ViewRunner, mode: UpToMode): Promise<void> {
    await this.#take(runner, await this.#startedQueries().runUpTo(this.#identity(runner), mode))
  }

  async #take(runner: ViewRunner, finished: readonly FinishedBatch[]): Promise<void> {
    for (const batch of finished) await runner.position.finishBatch(batch)
    await runner.position.readCheckpoint()
    this.publish([runner])
  }

  async #restart(runner: ViewRunner, definition: ReleaseRecord['definition']): Promise<void> {
    try {
      await runner.position.readCheckpoint()
      await this.#startQuery(runner, definition)
    } catch (error) {
      if (!(error instanceof SparkError)) throw error
      runner.failed(error.rootCause.message)
    }
  }

  /** @throws ViewStartError when Spark refuses it, or fails in a batch that was planned before. */
  async #startFirst(runner: ViewRunner, definition: ReleaseRecord['definition']): Promise<void> {
    try {
      await this.#startQuery(runner, definition)
    } catch (error) {
      if (error instanceof SparkError) throw new ViewStartError(runner.name, error)
      throw error
    }
  }

  async #startQuery(runner: ViewRunner, definition: ReleaseRecord['definition']): Promise<void> {
    const { kafka, config, logger } = this.#parts
    const { replay } = this.record
    const { mode, ends } = await chooseMode(kafka, definition, runner.position.record.sources, {
      ...config.release.catchUp,
      eventsPerBatchMax: this.#eventsPerBatchMax(),
      eventsPerSecondMax: replay?.events_per_second_max,
      moreSlackMs: replay?.watermark_slack_ms ?? 0,
    })
    const started = await this.#startedQueries().start(this.#identity(runner), mode)
    for (const batch of started.counted) await runner.position.finishBatch(batch)
    this.session.track(started.query)
    runner.started(started, mode, ends)
    logger.info({ view: runner.name, mode }, 'a query was started')
    await this.session.catchUpOn(runner)
  }

  #eventsPerBatchMax(): number {
    const { eventsPerBatchMax } = this.#parts.config.release.catchUp
    const views = Object.keys(this.record.definition.views).length
    return eventsPerBatch(stateStoreOf(this.record), sizeOf(this.record), views, eventsPerBatchMax)
  }

  #identity({ name, view }: ViewRunner): ViewIdentity {
    const { application, release } = this.record
    return { application, release, name, view }
  }

  #startedQueries(): ViewQueries {
    if (this.#queries) return this.#queries
    throw new Error('The views of this release are not started yet.')
  }
}

/** As its plan has chosen; the first release of an application has none. */
function stateStoreOf({ replay }: ReleaseRecord): StateStore {
  return replay?.plan?.state_store ?? 'rocksdb'
}

/** A release that is being built may have another size than it has later. */
function sizeOf(record: ReleaseRecord): SparkSize {
  const { definition, replay } = record
  return isBuilding(record) ? { ...definition.spark, ...replay?.spark } : definition.spark
}

function clusterSpec({ config }: ReleaseParts, record: ReleaseRecord) {
  const { application, release, definition } = record
  const building = isBuilding(record)
  const size = sizeOf(record)
  return {
    application,
    release,
    cores: size.cores,
    memory: size.memory,
    executors: size.executors ?? 1,
    ...(size.executorsMax === undefined ? {} : { executorsMax: size.executorsMax }),
    priority: building ? ('replay' as const) : ('live' as const),
    sparkConf: sparkConf(
      definition.spark,
      stateStoreOf(record),
      config.objectStore,
      config.release.pollingDelayMs,
    ),
    secretFiles: sparkKafkaFiles(config.kafka),
    systemProperties: sparkKafkaSystemProperties(config.kafka),
  }
}
