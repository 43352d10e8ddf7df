import { loadApplication } from '@kappa/applications/load'
import type { ReleaseView } from '@kappa/applications/records'
import { planChangelogRecord } from '@kappa/applications/view-plan'
import { loadContracts } from '@kappa/contracts/load'
import { bindSources } from '@kappa/replay/spark/sources'
import { registerInputs } from '@kappa/replay/spark/spark-views'
import { unbounded } from '@kappa/replay/spark/stream-reading'
import { startViewQuery } from '@kappa/replay/views/view-query'
import type { FlightsCopy } from '../platform/flights-copy.ts'
import { waitFor } from '../platform/wait.ts'
import { registerTable } from './batch-table.ts'
import { startBenchSpark } from './bench-spark.ts'
import type { Bench } from './bench-stack.ts'
import { createTopic } from './changelogs.ts'

const RUN_TIMEOUT_MS = 20 * 60_000
const USER = 'kappa-bench'

/** Runs of one view's query over the whole topic, each in milliseconds. */
export interface SparkRuns {
  batch(): Promise<number>
  /** @param release names a checkpoint of its own, so that each run begins at the log's beginning */
  stream(release: number): Promise<number>
  stop(): Promise<void>
}

/** Starts Spark as replay does, with two sessions: in one the stream is a stream, in the other a table. */
export async function startSparkRuns(
  bench: Bench,
  copy: FlightsCopy,
  target: { view: string; stream: string; events: number },
): Promise<SparkRuns> {
  const definition = await loadApplication(copy.applicationsFolder, 'flights')
  const sources = bindSources(definition, await loadContracts(copy.schemasFolder))
  const source = sources[target.stream]
  const viewDefinition = definition.views[target.view]
  if (!source || !viewDefinition) throw new Error('The application has changed.')
  const spark = await startBenchSpark(bench, USER, definition.spark)
  const [streaming, table] = await Promise.all([spark.connect(), spark.connect()])
  const brokers = bench.stack.kafkaBrokers
  const kafka = { 'kafka.bootstrap.servers': brokers }
  await registerInputs(
    streaming,
    { sources: { [source.name]: source }, datasets: {}, pinned: {} },
    kafka,
    unbounded,
  )
  await registerTable(table, source, kafka)
  const changelog = { topic: `${USER}.changelog`, partitions: 2 }
  await createTopic(brokers, changelog)
  const columns = await table.sql(viewDefinition.sql).schema()
  const view: ReleaseView = { ...viewDefinition, columns, outputMode: 'update', changelog }

  return {
    async batch() {
      const begun = performance.now()
      await table
        .sql(view.sql)
        .select(...planChangelogRecord(view, columns))
        .write({
          format: 'kafka',
          mode: 'append',
          options: { ...kafka, topic: changelog.topic },
          timeoutMs: RUN_TIMEOUT_MS,
        })
      return performance.now() - begun
    },
    async stream(release) {
      const identity = { application: 'flights', release, name: target.view, view }
      const options = { kafka, store: spark.store, outputMode: 'update' } as const
      const query = await startViewQuery(streaming, identity, options)
      try {
        const first = await waitFor(
          'the first micro-batch',
          async () => (await query.recentProgress()).find(({ batchId }) => batchId === 0),
          RUN_TIMEOUT_MS,
        )
        if (first.inputRows !== target.events) {
          throw new Error(`The first micro-batch read ${first.inputRows} events.`)
        }
        return first.batchDurationMs
      } finally {
        await query.stop()
      }
    },
    stop: () => spark.stop(),
  }
}
