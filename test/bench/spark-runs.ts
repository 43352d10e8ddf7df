import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadApplication } from '@kappa/applications/load'
import type { ReleaseView } from '@kappa/applications/records'
import { planStream, type StreamSource } from '@kappa/applications/stream-plan'
import { planChangelogRecord } from '@kappa/applications/view-plan'
import { loadContracts } from '@kappa/contracts/load'
import { connectKafka } from '@kappa/kafka/connect'
import { LocalLauncher } from '@kappa/replay/launchers/local'
import { ObjectStore } from '@kappa/replay/object-store'
import { bindSources } from '@kappa/replay/spark/sources'
import { sparkConf } from '@kappa/replay/spark/spark-conf'
import { registerInputs } from '@kappa/replay/spark/spark-views'
import { unbounded } from '@kappa/replay/spark/stream-reading'
import { startViewQuery } from '@kappa/replay/views/view-query'
import { connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import type { FlightsCopy } from '../platform/flights-copy.ts'
import { waitFor } from '../platform/wait.ts'
import type { Bench } from './bench-stack.ts'

const START_TIMEOUT_MS = 120_000
const RUN_TIMEOUT_MS = 20 * 60_000
const STOP_TIMEOUT_MS = 10_000
const POLLING_DELAY_MS = 250
const TIMEOUT_MS = 30_000
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
  { stack, folder }: Bench,
  copy: FlightsCopy,
  target: { view: string; stream: string; events: number },
): Promise<SparkRuns> {
  const definition = await loadApplication(copy.applicationsFolder, 'flights')
  const sources = bindSources(definition, await loadContracts(copy.schemasFolder))
  const source = sources[target.stream]
  const viewDefinition = definition.views[target.view]
  if (!source || !viewDefinition) throw new Error('The application has changed.')
  const credentials = JSON.parse(readFileSync(stack.s3.credentialsFile, 'utf8'))
  const storeSettings = { ...stack.s3, ...credentials }
  const store = new ObjectStore(storeSettings, USER)
  const launcher = new LocalLauncher({
    java: stack.java,
    jarsFolder: stack.sparkJarsFolder,
    workFolder: join(folder, 'spark-runs'),
    archiveFile: stack.sparkArchiveFile,
    stopTimeoutMs: STOP_TIMEOUT_MS,
  })
  const { cores, memory } = definition.spark
  const cluster = await launcher.start(
    {
      application: USER,
      release: 1,
      cores,
      memory,
      sparkConf: sparkConf(definition.spark, storeSettings, POLLING_DELAY_MS),
    },
    { timeoutMs: START_TIMEOUT_MS, signal: new AbortController().signal },
  )
  const connect = () =>
    connectSpark({ address: cluster.address, token: cluster.token, userId: USER })
  const [streaming, table] = await Promise.all([connect(), connect()])
  const kafka = { 'kafka.bootstrap.servers': stack.kafkaBrokers }
  await registerInputs(
    streaming,
    { sources: { [source.name]: source }, datasets: {}, pinned: {} },
    kafka,
    unbounded,
  )
  await registerTable(table, source, stack.kafkaBrokers)
  const changelog = { topic: `${USER}.changelog`, partitions: 2 }
  await createTopic(stack.kafkaBrokers, changelog)
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
      const options = { kafka, store, outputMode: 'update' } as const
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
    async stop() {
      streaming.detach()
      table.detach()
      store.close()
      await cluster.stop()
    },
  }
}

/** The stream's plan over a batch read; a watermark means nothing there. */
async function registerTable(
  session: SparkSession,
  source: StreamSource,
  brokers: string,
): Promise<void> {
  const plan = planStream(source, { watermarkSlackMs: 0 })
  await session
    .read({
      format: 'kafka',
      options: {
        'kafka.bootstrap.servers': brokers,
        subscribe: plan.topic,
        startingOffsets: 'earliest',
        endingOffsets: 'latest',
        includeHeaders: 'true',
      },
    })
    .select(...plan.envelope)
    .select(...plan.decoded)
    .filter(plan.onTime)
    .dropDuplicates([...plan.deduplicateBy])
    .select(...plan.output)
    .createOrReplaceTempView(plan.name)
}

async function createTopic(
  brokers: string,
  spec: { topic: string; partitions: number },
): Promise<void> {
  const kafka = await connectKafka({
    brokers: [brokers],
    clientId: USER,
    requestTimeoutMs: TIMEOUT_MS,
    connectTimeoutMs: TIMEOUT_MS,
  })
  try {
    await kafka.admin.createTopics([spec], TIMEOUT_MS)
  } finally {
    await kafka.close()
  }
}
