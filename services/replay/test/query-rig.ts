import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { StreamSource } from '@kappa/applications/stream-plan'
import { connectKafka } from '@kappa/kafka/connect'
import type { Kafka } from '@kappa/kafka/port'
import { connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import { testStack } from '@kappa/test/stack'
import {
  type RunningSpark,
  startSparkConnect,
} from '../../../packages/spark-connect/test/start-spark-connect.ts'
import { readLogEnds } from '../log/log-ends.ts'
import { ObjectStore } from '../object-store.ts'
import { sparkConf } from '../spark/spark-conf.ts'
import { type StateStore, stateStoreConf } from '../spark/state-store.ts'
import type { ViewIdentity } from '../views/view-position.ts'
import { ViewQueries } from '../views/view-queries.ts'
import { EventLog, sourceOf } from './event-log.ts'
import { type Rows, type ViewName, views } from './folds.ts'

const TIMEOUT_MS = 30_000
const BATCH_TIMEOUT_MS = 120_000
const POLLING_DELAY_MS = 100
const size = { cores: 2, memory: '1g', shufflePartitions: 2 }

/** Real Kafka, object store and Spark for the queries of views, with topics of this test's own. */
export class QueryRig {
  readonly kafka: Kafka
  readonly store: ObjectStore
  readonly log: EventLog
  readonly application: string
  readonly topics: { readonly readings: string; readonly alarms: string }
  readonly #sparkConf: Record<string, string>
  #spark!: RunningSpark
  #session!: SparkSession
  #queries!: ViewQueries

  private constructor(name: string, kafka: Kafka) {
    const { s3 } = testStack()
    const settings = { ...s3, ...JSON.parse(readFileSync(s3.credentialsFile, 'utf8')) }
    this.application = name
    this.kafka = kafka
    this.store = new ObjectStore(settings, name)
    this.log = new EventLog(kafka)
    this.topics = { readings: `${name}.readings`, alarms: `${name}.alarms` }
    this.#sparkConf = sparkConf(size, 'rocksdb', settings, POLLING_DELAY_MS)
  }

  static async start(name: string, partitions: number): Promise<QueryRig> {
    const kafka = await connectKafka({
      brokers: [testStack().kafkaBrokers],
      clientId: name,
      requestTimeoutMs: TIMEOUT_MS,
      connectTimeoutMs: TIMEOUT_MS,
    })
    const rig = new QueryRig(name, kafka)
    for (const topic of Object.values(rig.topics)) await rig.log.create(topic, partitions)
    await rig.store.put('names.csv', Buffer.from('k,label\na,Anna\n'))
    await rig.startSpark()
    return rig
  }

  get session(): SparkSession {
    return this.#session
  }

  get queries(): ViewQueries {
    return this.#queries
  }

  /** @param starts where new queries begin, by topic */
  async startSpark(starts?: OffsetsByTopic): Promise<void> {
    const folder = join(testStack().stateFolder, this.application)
    this.#spark = await startSparkConnect(testStack(), folder, this.#sparkConf)
    await this.newSession(starts)
  }

  async newSession(starts?: OffsetsByTopic): Promise<void> {
    const { address, token } = this.#spark
    this.#session?.detach()
    this.#session = await connectSpark({ address, token, userId: this.application })
    const sources: Record<string, StreamSource> = {
      readings: sourceOf('readings', this.topics.readings),
      alarms: sourceOf('alarms', this.topics.alarms),
    }
    this.#queries = this.queriesOver(this.#session, sources, starts)
  }

  /** A session of its own, in which queries keep their state so; to be let go by whoever asks for it. */
  async openSession(stateStore: StateStore): Promise<SparkSession> {
    const { address, token } = this.#spark
    const session = await connectSpark({ address, token, userId: this.application })
    await session.setConfig(stateStoreConf(stateStore))
    return session
  }

  queriesOver(
    session: SparkSession,
    sources: Readonly<Record<string, StreamSource>>,
    starts?: OffsetsByTopic,
  ): ViewQueries {
    const location = this.store.location('names.csv')
    return new ViewQueries({
      session,
      definition: {
        sources,
        datasets: { names: { format: 'csv', path: 'names.csv', schema: 'k STRING, label STRING' } },
        pinned: { names: { location, sha256: '' } },
        spark: size,
        ...(starts && { starts }),
      },
      kafka: { 'kafka.bootstrap.servers': testStack().kafkaBrokers },
      store: this.store,
      logEnds: (topics) => readLogEnds(this.kafka, topics),
      batchTimeoutMs: BATCH_TIMEOUT_MS,
      signal: new AbortController().signal,
    })
  }

  /** As `kill -9`. */
  async killSpark(): Promise<void> {
    await this.#spark.kill()
  }

  async stop(): Promise<void> {
    this.#session?.detach()
    await this.#spark?.stop()
    this.store.close()
    await this.kafka.close()
  }

  /** A view in a release, each with a checkpoint and a changelog of its own. */
  async view(name: ViewName, release: number): Promise<ViewIdentity> {
    const { sql, key, columns } = views[name]
    const changelog = { topic: `${this.application}.${name}.${release}`, partitions: 2 }
    await this.kafka.admin.createTopics([changelog], TIMEOUT_MS)
    return {
      application: this.application,
      release,
      name,
      view: {
        sql,
        key: [...key],
        file: `${name}.sql`,
        columns: columns.map(([column, type]) => ({ name: column, type, nullable: true })),
        outputMode: 'update',
        changelog,
      },
    }
  }

  /** The newest row of every key of the changelog. */
  async rows(identity: ViewIdentity): Promise<Rows> {
    const rows: Record<string, unknown> = {}
    for await (const { key, value } of this.kafka.readToEnd(identity.view.changelog.topic)) {
      rows[String(key)] = JSON.parse(String(value))
    }
    return rows
  }

  /** What the rows must be, of the events below the cut. */
  expected(name: ViewName, cut: OffsetsByTopic): Rows {
    const { readings, alarms } = this.topics
    return views[name].fold(this.log.below(readings, cut), this.log.below(alarms, cut))
  }
}
