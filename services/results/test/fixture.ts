import { randomUUID } from 'node:crypto'
import {
  type ReleaseRecord,
  type ReleaseState,
  type ReleaseView,
  releaseKey,
  TopicNames,
} from '@kappa/applications/records'
import { connectKafka } from '@kappa/kafka/connect'
import { partitionForKey } from '@kappa/kafka/murmur2'
import type { Kafka, Placement } from '@kappa/kafka/port'
import { testStack } from '@kappa/test/stack'
import { Redis } from 'ioredis'
import { readResultsConfig } from '../config.ts'
import { createResults } from '../service.ts'

export type Row = Record<string, string | number | boolean | null>

export interface ChangelogEntry {
  readonly key: readonly (string | null)[]
  readonly batch: number
  /** A text is written as it is. */
  readonly row: Row | string | null
}

/** Of this test file alone. */
export const namespace = `results-${randomUUID().slice(0, 8)}`
export const topics = new TopicNames(namespace)

/** A database of its own for each test file, so that one's flush is not another's loss. */
export function redisUrlOf(database: number): string {
  return `${testStack().redisUrl.replace(/\/\d*$/, '')}/${database}`
}

export function environment(database: number, more: Record<string, string> = {}) {
  const stack = testStack()
  return {
    KAPPA_KAFKA_BROKERS: stack.kafkaBrokers,
    KAPPA_REDIS_URL: redisUrlOf(database),
    KAPPA_REDIS_PASSWORD_FILE: stack.redisPasswordFile,
    KAPPA_NAMESPACE: namespace,
    KAPPA_HTTP_PORT: '0',
    KAPPA_LOG_LEVEL: process.env.KAPPA_LOG_LEVEL ?? 'silent',
    KAPPA_STOP_TIMEOUT_MS: '2000',
    ...more,
  }
}

export async function startResults(env: Record<string, string>, kafka?: Kafka) {
  return createResults(readResultsConfig(env), kafka ? { kafka } : {})
}

export function connectTestKafka(): Promise<Kafka> {
  return connectKafka({
    brokers: testStack().kafkaBrokers.split(','),
    clientId: 'results-test',
    requestTimeoutMs: 10_000,
    connectTimeoutMs: 5_000,
  })
}

export function connectTestRedis(database: number): Redis {
  const { password } = readResultsConfig(environment(database)).redis
  return new Redis(redisUrlOf(database), password === undefined ? {} : { password })
}

/** What replay and Spark would do: the records of one application, written by the test. */
export class FakeApplication {
  readonly name: string
  readonly release: number
  readonly views: Record<string, ReleaseView>
  /** Where Redis has which release is live. */
  get pointer(): string {
    return `${namespace}:{${this.name}}:live`
  }
  readonly #kafka: Kafka
  readonly #producer
  readonly #ends = new Map<string, bigint[]>()
  /** What was published of each view, in its order. */
  readonly positions = new Map<string, { source: number; ends: readonly bigint[] }[]>()
  #batch = 0

  constructor(
    kafka: Kafka,
    views: Record<string, Pick<ReleaseView, 'key' | 'time' | 'ranked' | 'columns'>>,
    partitions: number,
    options: { readonly name?: string; readonly release?: number } = {},
  ) {
    this.name = options.name ?? `app-${randomUUID().slice(0, 8)}`
    this.release = options.release ?? 1
    this.#kafka = kafka
    this.#producer = kafka.producer()
    this.views = Object.fromEntries(
      Object.entries(views).map(([view, definition]) => {
        const topic = topics.changelog(this.name, this.release, view)
        this.#ends.set(view, new Array<bigint>(partitions).fill(0n))
        const written = {
          sql: 'SELECT …',
          file: `views/${view}.sql`,
          outputMode: 'update' as const,
        }
        return [view, { ...written, ...definition, changelog: { topic, partitions } }]
      }),
    )
  }

  /** Creates the topics; publishes the release and makes it live. */
  async publish(): Promise<void> {
    await this.createTopics()
    await this.publishRelease(this.release, 1)
    await this.goLive(this.release, 1)
  }

  async createTopics(): Promise<void> {
    const compacted = { 'cleanup.policy': 'compact' }
    await this.#kafka.admin.createTopics(
      [
        { topic: topics.releases, partitions: 1, config: compacted },
        { topic: topics.positions, partitions: 1, config: compacted },
        ...Object.values(this.views).map(({ changelog }) => ({ ...changelog, config: compacted })),
      ],
      30_000,
    )
  }

  async deleteChangelogs(): Promise<void> {
    const changelogs = Object.values(this.views).map(({ changelog }) => changelog.topic)
    await this.#kafka.admin.deleteTopics(changelogs, 30_000)
  }

  async publishRelease(
    release: number,
    epoch: number,
    state: ReleaseState = 'live',
  ): Promise<void> {
    const record = this.record(release, epoch, state)
    await this.#control(topics.releases, releaseKey(this.name, release), record)
  }

  record(release: number, epoch: number, state: ReleaseState): ReleaseRecord {
    return {
      application: this.name,
      release,
      state,
      definition: {
        application: this.name,
        description: 'of a test',
        streams: {},
        datasets: {},
        views: this.views,
        spark: { cores: 1, memory: '1g', shufflePartitions: 1 },
        changelog: { partitions: 1 },
        sources: {},
        pinned: {},
      },
      epoch,
      updated_at: 1,
    }
  }

  /** Whoever starts after this knows nothing of it. */
  async forget(): Promise<void> {
    await this.#control(topics.releases, releaseKey(this.name, this.release), null)
    await this.#control(topics.releases, `${this.name}/live`, null)
  }

  async goLive(release: number, epoch: number): Promise<void> {
    await this.#control(topics.releases, `${this.name}/live`, {
      application: this.name,
      release,
      epoch,
    })
  }

  async append(view: string, entries: readonly ChangelogEntry[]): Promise<Placement[]> {
    const { topic } = this.#view(view).changelog
    const placements = await this.#producer.send(
      topic,
      entries.map(({ key, batch, row }) => ({
        key: Buffer.from(JSON.stringify(key)),
        value:
          row === null ? null : Buffer.from(typeof row === 'string' ? row : JSON.stringify(row)),
        headers: { 'kappa-batch': String(batch) },
      })),
    )
    const ends = this.#ends.get(view) ?? []
    for (const { partition, offset } of placements) {
      if (offset + 1n > (ends[partition] ?? 0n)) ends[partition] = offset + 1n
    }
    return placements
  }

  /** Publishes a position that needs what was appended so far, or `ends`. */
  async position(view: string, source: number, more: Record<string, unknown> = {}): Promise<void> {
    this.#batch += 1
    const ends = this.#ends.get(view) ?? []
    const release = more.release ?? this.release
    await this.#control(topics.positions, `${this.name}/${release}/${view}`, {
      application: this.name,
      release,
      view,
      batch: this.#batch,
      epoch: 1,
      sources: { events: { '0': String(source) } },
      changelog: Object.fromEntries(ends.map((end, partition) => [partition, String(end)])),
      as_of: Date.now() - 1_000,
      current_at: Date.now(),
      complete: true,
      late_events: 0,
      undecodable_events: 0,
      counts_exact: true,
      ...more,
    })
    const known = this.positions.get(view) ?? []
    known.push({ source, ends: [...ends] })
    this.positions.set(view, known)
  }

  ends(view: string): readonly bigint[] {
    return [...(this.#ends.get(view) ?? [])]
  }

  async #control(topic: string, key: string, value: unknown): Promise<void> {
    const json = value === null ? null : Buffer.from(JSON.stringify(value))
    await this.#producer.send(topic, [{ key: Buffer.from(key), value: json }])
  }

  async close(): Promise<void> {
    await this.#producer.close()
  }

  #view(view: string): ReleaseView {
    const definition = this.views[view]
    if (!definition) throw new Error(`the test has no view ${view}`)
    return definition
  }
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: {
    readonly rows: Row[]
    readonly row: Row
    readonly next_cursor?: string
    readonly meta: {
      readonly release: number
      readonly position: string
      readonly freshness_ms: number
      readonly complete: boolean
      readonly as_of: string | null
    }
    readonly error: { readonly code: string; readonly message: string; readonly details?: unknown }
    readonly paths: Record<string, unknown>
    readonly views: Record<string, unknown>[]
  }
}

export async function get(url: string, path: string): Promise<Reply> {
  const response = await fetch(`${url}${path}`)
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Reply['body'],
  }
}

/** The source offset that a position token tells. */
export function sourceOf(reply: Reply): number {
  const token = reply.headers.get('kappa-position') ?? ''
  return Number(JSON.parse(Buffer.from(token, 'base64url').toString()).topics.events['0'])
}

export function partitionOf(key: readonly (string | null)[], partitions: number): number {
  return partitionForKey(Buffer.from(JSON.stringify(key)), partitions)
}
