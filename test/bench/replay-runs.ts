import type { SparkSize, ViewDefinition } from '@kappa/applications/definition'
import { loadApplication } from '@kappa/applications/load'
import type { StreamSource } from '@kappa/applications/stream-plan'
import { planChangelogRecord } from '@kappa/applications/view-plan'
import { loadContracts } from '@kappa/contracts/load'
import { changelogTuning } from '@kappa/replay/spark/kafka-tuning'
import { bindSources } from '@kappa/replay/spark/sources'
import { registerInputs } from '@kappa/replay/spark/spark-views'
import type { DataFrame } from '@kappa/spark-connect/data-frame'
import type { SparkSession } from '@kappa/spark-connect/session'
import type { FlightsCopy } from '../platform/flights-copy.ts'
import { registerTable } from './batch-table.ts'
import type { BenchSpark } from './bench-spark.ts'

const RUN_TIMEOUT_MS = 20 * 60_000

/** A log that is read from its beginning to its end, and the view that is made of it. */
export interface ReplayLog {
  readonly source: StreamSource
  readonly view: ViewDefinition
  /** Of the application. */
  readonly spark: SparkSize
  readonly events: number
}

/** @param events departures in the copy's log */
export async function replayLog(
  copy: FlightsCopy,
  target: { view: string; stream: string; events: number },
): Promise<ReplayLog> {
  const definition = await loadApplication(copy.applicationsFolder, 'flights')
  const sources = bindSources(definition, await loadContracts(copy.schemasFolder))
  const source = sources[target.stream]
  const view = definition.views[target.view]
  if (!source || !view) throw new Error('The application has changed.')
  return { source, view, spark: definition.spark, events: target.events }
}

/** Runs over whole logs on one Spark: in one session the stream is a stream, in the other a table. */
export class ReplayRuns {
  readonly #spark: BenchSpark
  readonly #kafka: Readonly<Record<string, string>>
  readonly #streaming: SparkSession
  readonly #table: SparkSession

  private constructor(
    spark: BenchSpark,
    brokers: string,
    sessions: { streaming: SparkSession; table: SparkSession },
  ) {
    this.#spark = spark
    this.#kafka = { 'kafka.bootstrap.servers': brokers }
    this.#streaming = sessions.streaming
    this.#table = sessions.table
  }

  static async open(spark: BenchSpark, brokers: string): Promise<ReplayRuns> {
    const [streaming, table] = await Promise.all([spark.connect(), spark.connect()])
    return new ReplayRuns(spark, brokers, { streaming, table })
  }

  /**
   * As a replay catches up: in batches of the same size up to the end of the log.
   * @param changelog topic; also names the checkpoint, so that each run begins at the log's beginning
   * @returns milliseconds from the start of the query to its end
   */
  async replay(log: ReplayLog, changelog: string, eventsPerBatchMax: number): Promise<number> {
    const { source, events } = log
    const batches = Math.ceil(events / eventsPerBatchMax)
    await registerInputs(
      this.#streaming,
      { sources: { [source.name]: source }, datasets: {}, pinned: {} },
      this.#kafka,
      {
        slackMs: {},
        batch: { eventsMaxByTopic: { [source.topic]: Math.ceil(events / batches) } },
      },
    )
    const rows = await changelogOf(this.#streaming, log)
    const begun = performance.now()
    const query = await rows.writeStream({
      queryName: changelog,
      format: 'kafka',
      outputMode: 'update',
      trigger: { availableNow: true },
      checkpointLocation: this.#spark.store.location(`checkpoints/${changelog}`),
      options: { ...this.#kafka, ...changelogTuning, topic: changelog },
    })
    if (!(await query.awaitTermination(RUN_TIMEOUT_MS))) throw new Error('It does not end.')
    return performance.now() - begun
  }

  /** The same query as one batch job. @returns milliseconds */
  async batch(log: ReplayLog, changelog: string): Promise<number> {
    await registerTable(this.#table, log.source, this.#kafka)
    const rows = await changelogOf(this.#table, log)
    const begun = performance.now()
    await rows.write({
      format: 'kafka',
      mode: 'append',
      options: { ...this.#kafka, ...changelogTuning, topic: changelog },
      timeoutMs: RUN_TIMEOUT_MS,
    })
    return performance.now() - begun
  }
}

async function changelogOf(session: SparkSession, { view }: ReplayLog): Promise<DataFrame> {
  const rows = session.sql(view.sql)
  return rows.select(...planChangelogRecord(view, await rows.schema()))
}
