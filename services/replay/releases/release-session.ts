import type { Logger } from '@kappa/service/logger'
import { connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import type { StreamingQuery } from '@kappa/spark-connect/streaming-query'
import type { StreamingQueryEvent } from '@kappa/spark-connect/streaming-query-events'
import type { ReplayConfig } from '../config.ts'
import type { Cluster } from '../launchers/launcher.ts'
import type { ObjectStore } from '../object-store.ts'
import { sparkKafkaOptions } from '../spark/spark-kafka.ts'
import type { ViewIdentity } from '../views/view-position.ts'
import { startInSupportedMode } from '../views/view-query.ts'
import type { ViewRunner } from '../views/view-runner.ts'

/** A release's session on its cluster: starts queries and hears from them. */
export class ReleaseSession {
  readonly spark: SparkSession
  /** How the cluster reaches Kafka: options of its sources and sinks. */
  readonly kafka: Readonly<Record<string, string>>
  readonly #queries = new Map<string, StreamingQuery>()
  readonly #events: AsyncGenerator<StreamingQueryEvent>
  readonly #over: AbortController

  private constructor(
    spark: SparkSession,
    kafka: Readonly<Record<string, string>>,
    events: AsyncGenerator<StreamingQueryEvent>,
    over: AbortController,
  ) {
    this.spark = spark
    this.kafka = kafka
    this.#events = events
    this.#over = over
  }

  /** Connects and listens, before any query is started, so that no event of one is missed. */
  static async connect(
    cluster: Cluster,
    config: ReplayConfig,
    logger: Logger,
  ): Promise<ReleaseSession> {
    const spark = await connectSpark({
      address: cluster.address,
      token: cluster.token,
      userId: 'kappa-replay',
      sessionId: cluster.instance,
      requestTimeoutMs: config.release.requestTimeoutMs,
      onHeartbeatError: (error) => logger.warn({ err: error }, 'Spark did not answer a heartbeat'),
    })
    const over = new AbortController()
    const events = spark.streamingQueryEvents(over.signal)
    await events.next()
    const kafka = sparkKafkaOptions(config.kafka, cluster.secretsFolder)
    return new ReleaseSession(spark, kafka, events, over)
  }

  async startView(
    identity: ViewIdentity,
    store: ObjectStore,
  ): ReturnType<typeof startInSupportedMode> {
    const started = await startInSupportedMode(this.spark, identity, { kafka: this.kafka, store })
    this.#queries.set(started.query.runId, started.query)
    return started
  }

  /**
   * Tells the runners what happens to their queries.
   * @throws ViewFailedError when a view may not be started again; whatever breaks the session.
   */
  async follow(
    runners: readonly ViewRunner[],
    onMoved: (runner: ViewRunner) => void,
  ): Promise<void> {
    for await (const event of this.#events) {
      if (event.type === 'progress') {
        const runner = runners.find(({ name }) => name === event.progress.name)
        const ranBatch = 'addBatch' in event.progress.durationMs
        if (runner && ranBatch && (await runner.finishedBatch(event.progress))) onMoved(runner)
      }
      if (event.type === 'terminated') {
        const runner = runners.find(({ runId }) => runId === event.runId)
        if (runner) runner.failed(await this.#causeOf(event))
      }
    }
    if (!this.#over.signal.aborted) throw new Error('Spark has stopped telling about its queries.')
  }

  async close(): Promise<void> {
    this.#over.abort()
    this.spark.detach()
    await this.#events.return(undefined).catch(() => undefined)
  }

  async #causeOf(event: { runId: string; error?: string }): Promise<string> {
    const query = this.#queries.get(event.runId)
    this.#queries.delete(event.runId)
    const error = await query?.exception()
    return error?.rootCause.message ?? event.error ?? 'It was stopped, but not by Kappa.'
  }
}
