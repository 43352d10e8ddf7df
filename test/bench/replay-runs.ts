import type { SparkSize, ViewDefinition } from '@kappa/applications/definition'
import { loadApplication } from '@kappa/applications/load'
import type { ReleaseView } from '@kappa/applications/records'
import type { StreamSource } from '@kappa/applications/stream-plan'
import { planChangelogRecord } from '@kappa/applications/view-plan'
import { loadContracts } from '@kappa/contracts/load'
import type { Kafka } from '@kappa/kafka/port'
import { readLogEnds } from '@kappa/replay/log/log-ends'
import { widening } from '@kappa/replay/replays/plan-state'
import { changelogTuning } from '@kappa/replay/spark/kafka-tuning'
import { bindSources } from '@kappa/replay/spark/sources'
import type { Inputs } from '@kappa/replay/spark/spark-views'
import {
  type ExpectedState,
  eventsPerBatch,
  type StateStore,
  stateStoreConf,
} from '@kappa/replay/spark/state-store'
import { chooseMode } from '@kappa/replay/views/choose-mode'
import { ViewQueries } from '@kappa/replay/views/view-queries'
import type { SparkSession } from '@kappa/spark-connect/session'
import type { FlightsCopy } from '../platform/flights-copy.ts'
import { registerTable } from './batch-table.ts'
import type { BenchSpark } from './bench-spark.ts'

const RUN_TIMEOUT_MS = 20 * 60_000
const EVENTS_PER_BATCH_MAX = 1_000_000
const SAMPLES_MAX = 256
export const CHANGELOG_PARTITIONS = 2

/** A log that is read from its beginning to its end, and the view that is made of it. */
export interface ReplayLog {
  readonly source: StreamSource
  readonly name: string
  readonly view: ViewDefinition
  /** Of the application. */
  readonly spark: SparkSize
  readonly events: number
}

export interface ReplayRun {
  /** From the start of the query to its end. */
  readonly ms: number
  readonly batches: number
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
  const { spark } = definition
  return { source, name: target.view, view, spark, events: target.events }
}

/** Runs over whole logs on one Spark: as replays, and as batch jobs. */
export class ReplayRuns {
  readonly #spark: BenchSpark
  readonly #kafka: Kafka
  readonly #options: Readonly<Record<string, string>>
  readonly #streaming: Readonly<Record<StateStore, SparkSession>>
  readonly #table: SparkSession
  #releases = 0

  private constructor(
    spark: BenchSpark,
    kafka: Kafka,
    brokers: string,
    sessions: { streaming: Record<StateStore, SparkSession>; table: SparkSession },
  ) {
    this.#spark = spark
    this.#kafka = kafka
    this.#options = { 'kafka.bootstrap.servers': brokers }
    this.#streaming = sessions.streaming
    this.#table = sessions.table
  }

  static async open(spark: BenchSpark, kafka: Kafka, brokers: string): Promise<ReplayRuns> {
    const [rocksdb, memory, table] = await Promise.all([
      spark.connect(),
      spark.connect(),
      spark.connect(),
    ])
    await rocksdb.setConfig(stateStoreConf('rocksdb'))
    await memory.setConfig(stateStoreConf('memory'))
    return new ReplayRuns(spark, kafka, brokers, { streaming: { rocksdb, memory }, table })
  }

  /** As a release catches up that has not read anything. */
  async replay(log: ReplayLog, topic: string, stateStore: StateStore): Promise<ReplayRun> {
    const { queries, definition, identity } = await this.#release(log, topic, stateStore)
    const eventsPerBatchMax = eventsPerBatch(stateStore, log.spark, 1, EVENTS_PER_BATCH_MAX)
    const begun = performance.now()
    const mode = await this.#modeOf(definition, eventsPerBatchMax)
    const { query } = await queries.start(identity, mode)
    if (mode.kind === 'continuous') await query.processAllAvailable({ timeoutMs: RUN_TIMEOUT_MS })
    else if (!(await query.awaitTermination(RUN_TIMEOUT_MS))) throw new Error('It does not end.')
    const ms = performance.now() - begun
    if (mode.kind === 'continuous') await query.stop()
    return { ms, batches: ((await query.lastProgress())?.batchId ?? -1) + 1 }
  }

  /** What a live release of the view holds that has read the log, and what a replay of it will hold. */
  async expectedState(log: ReplayLog, topic: string): Promise<ExpectedState> {
    const { queries, definition, identity } = await this.#release(log, topic, 'rocksdb')
    const { query } = await queries.start(identity, { kind: 'continuous' })
    await query.processAllAvailable({ timeoutMs: RUN_TIMEOUT_MS })
    const rows = (await query.lastProgress())?.stateOperators.map(({ rowsTotal }) => rowsTotal)
    await query.stop()
    if (!rows) throw new Error('The query has told nothing of its state.')
    const live = rows.reduce((sum, count) => sum + count, 0)
    const mode = await this.#modeOf(definition, EVENTS_PER_BATCH_MAX)
    const { name } = log.source
    const slack_ms = mode.kind === 'catch-up' ? (mode.slackMs[name] ?? 0) : 0
    const factor = widening({ [name]: log.source }, [{ streams: [name], slack_ms }])
    return { live, catchUp: live * factor }
  }

  async #modeOf(definition: Inputs, eventsPerBatchMax: number) {
    const settings = {
      eventsPerBatchMax,
      samplesMax: SAMPLES_MAX,
      freshnessMsMax: 0,
      moreSlackMs: 0,
    }
    return (await chooseMode(this.#kafka, definition, {}, settings)).mode
  }

  async #release({ source, name, spark, view }: ReplayLog, topic: string, stateStore: StateStore) {
    const session = this.#streaming[stateStore]
    const definition = { sources: { [source.name]: source }, datasets: {}, pinned: {}, spark }
    const queries = new ViewQueries({
      session,
      definition,
      kafka: this.#options,
      store: this.#spark.store,
      logEnds: (topics) => readLogEnds(this.#kafka, topics),
      batchTimeoutMs: RUN_TIMEOUT_MS,
      signal: new AbortController().signal,
    })
    await registerTable(this.#table, source, this.#options)
    const bound: ReleaseView = {
      ...view,
      columns: await this.#table.sql(view.sql).schema(),
      outputMode: 'update',
      changelog: { topic, partitions: CHANGELOG_PARTITIONS },
    }
    this.#releases += 1
    const identity = { application: 'bench', release: this.#releases, name, view: bound }
    return { queries, definition, identity }
  }

  /** The same query as one batch job. @returns milliseconds */
  async batch({ source, view }: ReplayLog, topic: string): Promise<number> {
    await registerTable(this.#table, source, this.#options)
    const rows = this.#table.sql(view.sql)
    const begun = performance.now()
    await rows.select(...planChangelogRecord(view, await rows.schema())).write({
      format: 'kafka',
      mode: 'append',
      options: { ...this.#options, ...changelogTuning, topic },
      timeoutMs: RUN_TIMEOUT_MS,
    })
    return performance.now() - begun
  }
}
