import type { SparkSize, ViewDefinition } from '@kappa/applications/definition'
import { loadApplication } from '@kappa/applications/load'
import type { ReleaseView } from '@kappa/applications/records'
import type { StreamSource } from '@kappa/applications/stream-plan'
import { planChangelogRecord } from '@kappa/applications/view-plan'
import { loadContracts } from '@kappa/contracts/load'
import type { Kafka } from '@kappa/kafka/port'
import { readLogEnds } from '@kappa/replay/log/log-ends'
import { changelogTuning } from '@kappa/replay/spark/kafka-tuning'
import { bindSources } from '@kappa/replay/spark/sources'
import {
  eventsPerBatchOnHeap,
  type StateStore,
  stateStoreConf,
} from '@kappa/replay/spark/state-store'
import { chooseMode } from '@kappa/replay/views/choose-mode'
import type { ViewIdentity } from '@kappa/replay/views/view-position'
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
  /** Rows of state when it goes on as a live release. */
  readonly stateRows: number
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
    const { source, name, spark: size } = log
    const session = this.#streaming[stateStore]
    const definition = {
      sources: { [source.name]: source },
      datasets: {},
      pinned: {},
      spark: size,
    }
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
    const view: ReleaseView = {
      ...log.view,
      columns: await this.#table.sql(log.view.sql).schema(),
      outputMode: 'update',
      changelog: { topic, partitions: CHANGELOG_PARTITIONS },
    }
    this.#releases += 1
    const identity = { application: 'bench', release: this.#releases, name, view }
    const begun = performance.now()
    const onHeap = stateStore === 'memory' ? eventsPerBatchOnHeap(size, 1) : EVENTS_PER_BATCH_MAX
    const { mode } = await chooseMode(
      this.#kafka,
      definition,
      {},
      {
        eventsPerBatchMax: Math.min(EVENTS_PER_BATCH_MAX, onHeap),
        samplesMax: SAMPLES_MAX,
        freshnessMsMax: 0,
        moreSlackMs: 0,
      },
    )
    const { query } = await queries.start(identity, mode)
    if (mode.kind === 'continuous') await query.processAllAvailable({ timeoutMs: RUN_TIMEOUT_MS })
    else if (!(await query.awaitTermination(RUN_TIMEOUT_MS))) throw new Error('It does not end.')
    const ms = performance.now() - begun
    if (mode.kind === 'continuous') await query.stop()
    const batches = ((await query.lastProgress())?.batchId ?? -1) + 1
    return { ms, batches, stateRows: await stateRowsOf(queries, identity) }
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

async function stateRowsOf(queries: ViewQueries, identity: ViewIdentity): Promise<number> {
  const { query } = await queries.start(identity, { kind: 'continuous' })
  await query.processAllAvailable({ timeoutMs: RUN_TIMEOUT_MS })
  const last = await query.lastProgress()
  await query.stop()
  return (last?.stateOperators ?? []).reduce((sum, { rowsTotal }) => sum + rowsTotal, 0)
}
