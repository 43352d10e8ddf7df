import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  DeleteObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { type ReleaseRecord, type ReleaseState, TopicNames } from '@kappa/applications/records'
import { connectKafka } from '@kappa/kafka/connect'
import type { Consumer, Kafka } from '@kappa/kafka/port'
import { testStack } from '@kappa/test/stack'
import { until } from '@kappa/test/until'
import { connectRedis, type RedisClient } from '@kappa/view-store/redis-client'
import { ReleaseRows } from '@kappa/view-store/release-rows'
import { slotOf, ViewStore } from '@kappa/view-store/view-store'
import { ObjectStore } from '../object-store.ts'
import type { RemovalParts } from '../retiring/removal-parts.ts'

const database = 9
const putsAtOnce = 40
const views = ['by_hour', 'by_day']

/** An installation of its own on the stack: what its releases have, and what is left of it. */
export class Installation {
  readonly namespace: string
  readonly parts: RemovalParts
  readonly store: ObjectStore
  readonly redis: RedisClient
  readonly #names: TopicNames
  readonly #kafka: Kafka
  readonly #s3: S3Client
  readonly #bucket: string

  private constructor(
    clients: { kafka: Kafka; redis: RedisClient; s3: S3Client; bucket: string; store: ObjectStore },
    namespace: string,
  ) {
    this.namespace = namespace
    this.#names = new TopicNames(namespace)
    this.#kafka = clients.kafka
    this.#s3 = clients.s3
    this.#bucket = clients.bucket
    this.redis = clients.redis
    this.store = clients.store
    const rows = new ReleaseRows(clients.redis, namespace)
    this.parts = { namespace, admin: clients.kafka.admin, store: clients.store, rows }
  }

  static async open(namespace = `retiring-${randomUUID().slice(0, 8)}`): Promise<Installation> {
    const { s3, redisUrl, redisPasswordFile, kafkaBrokers } = testStack()
    const credentials = JSON.parse(readFileSync(s3.credentialsFile, 'utf8'))
    const kafka = await connectKafka({
      brokers: kafkaBrokers.split(','),
      clientId: 'retiring-test',
      requestTimeoutMs: 10_000,
      connectTimeoutMs: 5_000,
    })
    const redis = connectRedis(
      {
        url: `${redisUrl}/${database}`,
        password: readFileSync(redisPasswordFile, 'utf8').trim(),
        timeoutMs: 5_000,
      },
      'retiring-test',
      () => undefined,
    )
    await new Promise((resolve) => redis.once('ready', resolve))
    const { endpoint, region, bucket } = s3
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials })
    const store = new ObjectStore({ endpoint, region, bucket, ...credentials }, namespace)
    return new Installation({ kafka, redis, s3: client, bucket, store }, namespace)
  }

  /** A release with topics, a group with a member, objects and rows: whatever its state. */
  async release(
    application: string,
    release: number,
    state: ReleaseState,
    { objects = 3, removed }: { objects?: number; removed?: boolean } = {},
  ): Promise<ReleaseRecord> {
    const record = this.record(application, release, state, removed)
    const topics = Object.values(record.definition.views).map(({ changelog }) => changelog)
    await this.#kafka.admin.createTopics(topics, 30_000)
    const store = new ViewStore(this.redis, this.namespace)
    for (const view of views) {
      for (const partition of [0, 1]) {
        await store.claim(slotOf(this.namespace, application, release, view, partition), 0n, 0, 1)
      }
    }
    const path = `${application}/${release}`
    await this.put(
      Array.from({ length: objects }, (_, i) => `checkpoints/${path}/by_hour/state/${i % 7}/${i}`),
    )
    await this.put([`datasets/${path}/carriers/0123456789abcdef.csv`])
    return record
  }

  /** Joins the group of results of a release, as an instance of results does. */
  async joinGroup({ application, release, definition }: ReleaseRecord): Promise<Consumer> {
    const groupId = this.#names.resultsGroup(application, release)
    const consumer = await this.#kafka.consumer({
      groupId,
      topics: Object.values(definition.views).map(({ changelog }) => changelog.topic),
      from: 'beginning',
      commit: false,
      onBatch: async () => undefined,
    })
    await until(
      () => this.#kafka.admin.listGroups(),
      (groups) => groups.includes(groupId),
    )
    return consumer
  }

  record(
    application: string,
    release: number,
    state: ReleaseState,
    removed?: boolean,
  ): ReleaseRecord {
    return {
      application,
      release,
      state,
      epoch: 1,
      updated_at: 1,
      ...(removed === undefined ? {} : { removed }),
      definition: {
        application,
        description: 'of a test',
        streams: {},
        datasets: {},
        spark: { cores: 1, memory: '1g', shufflePartitions: 1 },
        changelog: { partitions: 2 },
        sources: {},
        pinned: {},
        views: Object.fromEntries(
          views.map((view) => {
            const topic = this.#names.changelog(application, release, view)
            return [
              view,
              {
                sql: 'SELECT …',
                file: `views/${view}.sql`,
                key: ['carrier'],
                columns: [],
                outputMode: 'update' as const,
                changelog: { topic, partitions: 2 },
              },
            ]
          }),
        ),
      },
    }
  }

  async put(keys: readonly string[]): Promise<void> {
    const waiting = keys.map((key) => `${this.namespace}/${key}`)
    const putSome = async () => {
      for (let Key = waiting.pop(); Key !== undefined; Key = waiting.pop()) {
        await this.#s3.send(new PutObjectCommand({ Bucket: this.#bucket, Key, Body: 'x' }))
      }
    }
    await Promise.all(Array.from({ length: putsAtOnce }, putSome))
  }

  /** Names of all that is there, without what the code under test is made of; sorted. */
  async everything(): Promise<string[]> {
    const topics = await this.#kafka.admin.listTopics()
    const groups = await this.#kafka.admin.listGroups()
    const keys = await this.redis.keys(`${this.namespace}:*`)
    const ours = [...topics, ...groups].filter((name) => name.startsWith(`${this.namespace}.`))
    return [...ours, ...keys, ...(await this.#objects())].sort()
  }

  async #objects(): Promise<string[]> {
    const keys: string[] = []
    for (let StartAfter = ''; ; StartAfter = keys.at(-1) ?? '') {
      const { Contents = [] } = await this.#s3.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: `${this.namespace}/`,
          StartAfter,
        }),
      )
      if (Contents.length === 0) return keys
      keys.push(...Contents.flatMap(({ Key }) => (Key === undefined ? [] : [Key])))
    }
  }

  /** Removes all that the test has made. */
  async close(): Promise<void> {
    const everything = await this.everything()
    const objects = everything.filter((name) => name.startsWith(`${this.namespace}/`))
    for (let i = 0; i < objects.length; i += 1_000) {
      const Objects = objects.slice(i, i + 1_000).map((Key) => ({ Key }))
      await this.#s3.send(new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects } }))
    }
    const topics = (await this.#kafka.admin.listTopics()).filter((name) =>
      name.startsWith(`${this.namespace}.`),
    )
    await this.#kafka.admin.deleteTopics(topics, 60_000)
    const keys = everything.filter((name) => name.startsWith(`${this.namespace}:`))
    if (keys.length > 0) await this.redis.unlink(...keys)
    this.redis.disconnect()
    this.#s3.destroy()
    this.store.close()
    await this.#kafka.close()
  }
}
