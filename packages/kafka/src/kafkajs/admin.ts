import { type Admin, Kafka as KafkaJs } from 'kafkajs'
import { EARLIEST, LATEST } from '../broker-link.ts'
import { errorInfo, isUnknownTopic, toKafkaError, unknownTopic } from '../errors.ts'
import {
  type KafkaAdmin,
  type KafkaConfig,
  KafkaError,
  type PartitionOffset,
  type TopicSpec,
} from '../port.ts'
import { delay, settledWithin, within } from '../time.ts'
import { Link } from './link.ts'
import { DISCONNECT_MS_MAX, LOG_LEVEL, logCreatorFor } from './settings.ts'
import { TrackedSockets } from './sockets.ts'

const POLL_MS = 50
const RETRY_MS = 100
const DELETE_GROUP_TRIES_MAX = 50
const COORDINATOR_ERRORS = new Set([
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
])

export class KafkaJsAdmin implements KafkaAdmin {
  readonly #config: KafkaConfig
  #link: Promise<Link> | undefined
  #closed = false

  constructor(config: KafkaConfig) {
    this.#config = config
  }

  async createTopics(specs: readonly TopicSpec[], timeoutMs: number): Promise<string[]> {
    const deadline = Date.now() + timeoutMs
    const existing = new Set(await this.listTopics())
    const created: string[] = []
    for (const spec of specs) {
      if (existing.has(spec.topic)) continue
      if (await this.#createTopic(spec, Math.max(1, deadline - Date.now())))
        created.push(spec.topic)
    }
    for (const { topic } of specs) {
      await this.#until(deadline, `"${topic}" has no leader for every partition`, () =>
        this.#isReady(topic),
      )
    }
    return created
  }

  async deleteTopics(topics: readonly string[], timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs
    for (const topic of topics) {
      try {
        await this.#withAdmin(`delete topic "${topic}"`, (admin) =>
          admin.deleteTopics({ topics: [topic], timeout: Math.max(1, deadline - Date.now()) }),
        )
      } catch (error) {
        if (!isUnknownTopic(error)) throw error
      }
    }
    for (const topic of topics) {
      await this.#until(deadline, `"${topic}" is still there`, async () => {
        return (await this.partitionCount(topic)) === undefined
      })
    }
  }

  async listTopics(): Promise<string[]> {
    return this.#retrying('list topics', async (link) => {
      const { topicMetadata } = await (await link.any()).metadata([])
      return topicMetadata.map(({ topic }) => topic)
    })
  }

  async partitionCount(topic: string): Promise<number | undefined> {
    try {
      return await this.#retrying(`metadata of "${topic}"`, async (link) => {
        const { topicMetadata } = await (await link.any()).metadata([topic])
        return topicMetadata.find((found) => found.topic === topic)?.partitionMetadata.length
      })
    } catch (error) {
      if (error instanceof KafkaError && error.code === 'unknown_topic') return undefined
      throw error
    }
  }

  beginOffsets(topic: string): Promise<PartitionOffset[]> {
    return this.#retrying(`begin offsets of "${topic}"`, (link) =>
      link.listOffsets(topic, EARLIEST),
    )
  }

  endOffsets(topic: string): Promise<PartitionOffset[]> {
    return this.#retrying(`end offsets of "${topic}"`, (link) => link.listOffsets(topic, LATEST))
  }

  async offsetsAt(topic: string, timestamp: number): Promise<PartitionOffset[]> {
    return this.#retrying(`offsets of "${topic}" at ${timestamp}`, async (link) => {
      const found = await link.listOffsets(topic, timestamp)
      const ends = await link.listOffsets(topic, LATEST)
      return found.map(({ partition, offset }) => {
        const end = ends.find((candidate) => candidate.partition === partition)
        return { partition, offset: offset < 0n && end ? end.offset : offset }
      })
    })
  }

  async deleteGroup(groupId: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#withAdmin(`delete group "${groupId}"`, (admin) => admin.deleteGroups([groupId]))
        return
      } catch (error) {
        const { groups = [] } = causeOf(error) as { groups?: { error?: { type?: string } }[] }
        const types = groups.map((group) => group.error?.type ?? '')
        if (types.length > 0 && types.every((type) => type === 'GROUP_ID_NOT_FOUND')) return
        // The coordinator of a broker that has just started loads its groups first; kafkajs does
        // not look at these errors, because they come inside a successful answer.
        const isLoading = types.some((type) => COORDINATOR_ERRORS.has(type))
        if (!isLoading || tries === DELETE_GROUP_TRIES_MAX) throw error
        await delay(RETRY_MS)
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const link = this.#link
    if (link) await link.then((open) => open.dispose()).catch(() => undefined)
  }

  async #createTopic(spec: TopicSpec, timeoutMs: number): Promise<boolean> {
    const configEntries = Object.entries(spec.config ?? {}).map(([name, value]) => ({
      name,
      value,
    }))
    return this.#withAdmin(`create topic "${spec.topic}"`, (admin) =>
      admin.createTopics({
        waitForLeaders: false,
        timeout: timeoutMs,
        topics: [
          {
            topic: spec.topic,
            numPartitions: spec.partitions,
            replicationFactor: spec.replicationFactor ?? -1,
            configEntries,
          },
        ],
      }),
    )
  }

  async #isReady(topic: string): Promise<boolean> {
    const link = await this.#open()
    const { topicMetadata } = await (await link.any()).metadata([topic])
    const partitions = topicMetadata.find((found) => found.topic === topic)?.partitionMetadata ?? []
    return partitions.length > 0 && partitions.every(({ leader }) => leader !== null && leader >= 0)
  }

  async #until(deadline: number, problem: string, done: () => Promise<boolean>): Promise<void> {
    let cause: unknown
    for (;;) {
      try {
        if (await within(done(), Math.max(1, deadline - Date.now()), () => new Error('timeout')))
          return
        cause = undefined
      } catch (error) {
        cause = error
        if (!isUnknownTopic(error)) await this.#drop()
      }
      if (Date.now() + POLL_MS >= deadline) {
        throw new KafkaError('unavailable', `After the time given, ${problem}`, { cause })
      }
      await delay(POLL_MS)
    }
  }

  /** Reads again over a new connection until `requestTimeoutMs` have passed. */
  async #retrying<T>(what: string, read: (link: Link) => Promise<T>): Promise<T> {
    const deadline = Date.now() + this.#config.requestTimeoutMs
    for (;;) {
      if (this.#closed) throw new KafkaError('closed', 'The connection to Kafka is closed')
      try {
        const leftMs = Math.max(1, deadline - Date.now())
        return await within(this.#open().then(read), leftMs, () => new Error('no answer in time'))
      } catch (error) {
        if (isUnknownTopic(error)) throw unknownTopic(what, error)
        await this.#drop()
        if (!errorInfo(error).retriable || Date.now() + RETRY_MS >= deadline) {
          throw toKafkaError(error, `Kafka did not ${what}`)
        }
        await delay(RETRY_MS)
      }
    }
  }

  #open(): Promise<Link> {
    if (!this.#link) {
      const link = new Link(this.#config)
      this.#link = link.connect().then(
        () => link,
        (error: unknown) => {
          link.abandon()
          throw error
        },
      )
    }
    return this.#link
  }

  async #drop(): Promise<void> {
    const link = this.#link
    this.#link = undefined
    await link?.then((open) => open.abandon()).catch(() => undefined)
  }

  async #withAdmin<T>(what: string, act: (admin: Admin) => Promise<T>): Promise<T> {
    if (this.#closed) throw new KafkaError('closed', 'The connection to Kafka is closed')
    const sockets = new TrackedSockets()
    const admin = new KafkaJs({
      brokers: [...this.#config.brokers],
      clientId: this.#config.clientId,
      connectionTimeout: this.#config.connectTimeoutMs,
      requestTimeout: this.#config.requestTimeoutMs,
      socketFactory: sockets.factory,
      logLevel: LOG_LEVEL,
      logCreator: logCreatorFor(this.#config),
      retry: { retries: 2, initialRetryTime: RETRY_MS },
    }).admin()
    try {
      return await within(
        admin.connect().then(() => act(admin)),
        this.#config.connectTimeoutMs + this.#config.requestTimeoutMs,
        () => new Error('no answer in time'),
      )
    } catch (error) {
      throw toKafkaError(error, `Kafka did not ${what}`)
    } finally {
      await settledWithin(admin.disconnect(), DISCONNECT_MS_MAX)
      sockets.destroyAll()
    }
  }
}

function causeOf(error: unknown): object {
  return error instanceof Error && error.cause instanceof Error ? error.cause : {}
}
