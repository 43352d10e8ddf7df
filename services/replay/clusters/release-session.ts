import type { Logger } from '@kappa/service/logger'
import type { SparkSession } from '@kappa/spark-connect/session'
import type { StreamingQuery } from '@kappa/spark-connect/streaming-query'
import type { StreamingQueryEvent } from '@kappa/spark-connect/streaming-query-events'
import type { ReplayConfig } from '../config.ts'
import type { Cluster } from '../launchers/launcher.ts'
import { sparkKafkaOptions } from '../spark/spark-kafka.ts'
import { type Inputs, registerInputs } from '../spark/spark-views.ts'
import { unbounded } from '../spark/stream-reading.ts'
import type { ViewRunner } from '../views/view-runner.ts'
import { connectCluster } from './connect-cluster.ts'

type TerminatedEvent = Extract<StreamingQueryEvent, { type: 'terminated' }>

/** A release's session on its cluster: starts queries and hears from them. */
export class ReleaseSession {
  readonly spark: SparkSession
  /** How the cluster reaches Kafka: options of its sources and sinks. */
  readonly kafka: Readonly<Record<string, string>>
  readonly #queries = new Map<string, StreamingQuery>()
  readonly #untold = new Map<string, TerminatedEvent>()
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
    const spark = await connectCluster(cluster, {
      userId: 'kappa-replay',
      requestTimeoutMs: config.release.requestTimeoutMs,
      onHeartbeatError: (error) => logger.warn({ err: error }, 'Spark did not answer a heartbeat'),
    })
    const over = new AbortController()
    const events = spark.streamingQueryEvents(over.signal)
    await events.next()
    const kafka = sparkKafkaOptions(config.kafka, cluster.secretsFolder)
    return new ReleaseSession(spark, kafka, events, over)
  }

  /** Makes streams and datasets known under the names that SQL uses, for a look at the SQL. */
  registerInputs(definition: Inputs): Promise<void> {
    return registerInputs(this.spark, definition, this.kafka, unbounded)
  }

  /** To be told of every query that is started, to find out why it ended. */
  track(query: StreamingQuery): void {
    this.#queries.set(query.runId, query)
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
        if (runner) await this.#tell(runner, event)
        else this.#untold.set(event.runId, event)
      }
    }
    if (!this.#over.signal.aborted) throw new Error('Spark has stopped telling about its queries.')
  }

  /** To be called when a runner knows its query: that may have ended by then. */
  async catchUpOn(runner: ViewRunner): Promise<void> {
    const event = runner.runId === undefined ? undefined : this.#untold.get(runner.runId)
    this.#untold.clear()
    if (event) await this.#tell(runner, event)
  }

  async #tell(runner: ViewRunner, event: TerminatedEvent): Promise<void> {
    if (event.error === undefined && runner.endsByItself) runner.ended()
    else runner.failed(await this.#causeOf(event))
  }

  async close(): Promise<void> {
    this.#over.abort()
    this.spark.detach()
    await this.#events.return(undefined).catch(() => undefined)
  }

  async #causeOf(event: TerminatedEvent): Promise<string> {
    const query = this.#queries.get(event.runId)
    this.#queries.delete(event.runId)
    const error = await query?.exception()
    return error?.rootCause.message ?? event.error ?? 'It was stopped, but not by Kappa.'
  }
}
