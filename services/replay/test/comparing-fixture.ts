import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { ViewColumn } from '@kappa/applications/view-plan'
import { connectKafka } from '@kappa/kafka/connect'
import type { Kafka, Producer } from '@kappa/kafka/port'
import { connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import { testStack } from '@kappa/test/stack'
import type { ComparedSide } from '../comparing/compared-side.ts'
import type { ComparingBounds } from '../comparing/comparing-parts.ts'
import type { Cluster } from '../launchers/launcher.ts'
import { LocalLauncher } from '../launchers/local/local-launcher.ts'
import { sparkConf } from '../spark/spark-conf.ts'
import { sparkKafkaOptions } from '../spark/spark-kafka.ts'

export interface ChangelogEntry {
  readonly key: readonly (string | null)[]
  /** JSON; null deletes. */
  readonly row: string | null
  /** Left out: 1. */
  readonly batch?: number
}

export const bounds: ComparingBounds = {
  unsettledRowsMax: 0,
  samplesMax: 20,
  sampleBytesMax: 65_536,
  timeoutMs: 120_000,
}

/** Columns from `name type` pairs, for example `columnsOf('carrier string', 'n bigint')`. */
export function columnsOf(...texts: readonly string[]): ViewColumn[] {
  return texts.map((text) => {
    const [name = '', ...type] = text.split(' ')
    return { name, type: type.join(' '), nullable: true }
  })
}

/** Changelogs as Spark's queries would leave them, written by the test, and a release's cluster. */
export class ComparingFixture {
  readonly kafka: Kafka
  readonly session: SparkSession
  readonly kafkaOptions = kafkaOptions()
  readonly #producer: Producer
  readonly #cluster: Cluster

  private constructor(kafka: Kafka, cluster: Cluster, session: SparkSession) {
    this.kafka = kafka
    this.session = session
    this.#producer = kafka.producer()
    this.#cluster = cluster
  }

  static async start(name: string): Promise<ComparingFixture> {
    const kafka = await connectKafka({
      brokers: testStack().kafkaBrokers.split(','),
      clientId: name,
      requestTimeoutMs: 10_000,
      connectTimeoutMs: 5_000,
    })
    const cluster = await startCluster(name, '768m')
    const { address, token } = cluster
    return new ComparingFixture(
      kafka,
      cluster,
      await connectSpark({ address, token, userId: name }),
    )
  }

  async createTopic(partitions: number, config: Record<string, string> = {}): Promise<string> {
    const topic = `changelog-${randomUUID()}`
    const compacted = { 'cleanup.policy': 'compact', ...config }
    await this.kafka.admin.createTopics([{ topic, partitions, config: compacted }], 30_000)
    return topic
  }

  async append(topic: string, entries: readonly ChangelogEntry[]): Promise<void> {
    if (entries.length === 0) return
    await this.#producer.send(
      topic,
      entries.map(({ key, row, batch = 1 }) => ({
        key: Buffer.from(JSON.stringify(key)),
        value: row === null ? null : Buffer.from(row),
        headers: { 'kappa-batch': String(batch) },
      })),
    )
  }

  async endsOf(topic: string): Promise<Record<string, string>> {
    const ends = await this.kafka.admin.endOffsets(topic)
    return Object.fromEntries(ends.map(({ partition, offset }) => [partition, String(offset)]))
  }

  /** A side whose changelog holds just these entries. */
  async side(
    view: Pick<ComparedSide['view'], 'key' | 'columns'> & Partial<ComparedSide['view']>,
    entries: readonly ChangelogEntry[],
    partitions = 1,
  ): Promise<ComparedSide> {
    const topic = await this.createTopic(partitions)
    await this.append(topic, entries)
    return {
      view: { sql: 'SELECT 1', outputMode: 'update', changelog: { topic, partitions }, ...view },
      changelogEnds: await this.endsOf(topic),
    }
  }

  async stop(): Promise<void> {
    this.session.detach()
    await this.#cluster.stop()
    await this.kafka.close()
  }
}

/** A cluster with the settings of a release. */
export function startCluster(name: string, memory: string): Promise<Cluster> {
  const { java, sparkJarsFolder, sparkArchiveFile, stateFolder, s3 } = testStack()
  const launcher = new LocalLauncher({
    java,
    jarsFolder: sparkJarsFolder,
    workFolder: join(stateFolder, name),
    archiveFile: sparkArchiveFile,
    stopTimeoutMs: 10_000,
  })
  const size = { cores: 2, memory, shufflePartitions: 2 }
  return launcher.start(
    {
      application: name,
      release: 1,
      cores: size.cores,
      executors: 1,
      memory,
      // A comparison never asks the object store.
      sparkConf: sparkConf(
        size,
        'rocksdb',
        { ...s3, accessKeyId: 'none', secretAccessKey: 'none', requestTimeoutMs: 10_000 },
        100,
      ),
    },
    { timeoutMs: 120_000, signal: new AbortController().signal },
  )
}

export function kafkaOptions(): Readonly<Record<string, string>> {
  return sparkKafkaOptions({ brokers: testStack().kafkaBrokers.split(',') }, '')
}
