import { type ReleaseRecord, TopicNames } from '@kappa/applications/records'
import type { Consumer, IncomingRecord, Kafka, PartitionOffset } from '@kappa/kafka/port'
import type { Logger } from '@kappa/service/logger'
import type { ViewStore } from '@kappa/view-store/view-store'
import type { ApplySettings } from '../config.ts'
import type { ControlState } from '../control/control-state.ts'
import { labelsOf, type ResultsMetrics } from '../results-metrics.ts'
import { ChangelogRecordError } from './changelog-record.ts'
import type { LoadedView } from './loaded-view.ts'
import { type ApplierHost, ChangelogGoneError, PartitionApplier } from './partition-applier.ts'

export interface LoaderParts {
  readonly kafka: Kafka
  readonly store: ViewStore
  readonly control: ControlState
  readonly namespace: string
  readonly settings: ApplySettings
  readonly metrics: ResultsMetrics
  readonly logger: Logger
  /** Told when a view is found to have less in Redis than it had. */
  readonly onRebuild: () => void
  /** Whether there is no room for the rows of a release. */
  readonly isRefused: (release: ReleaseRecord) => boolean
}

/** How long a batch waits for a Redis that is away before Kafka is asked for it again. */
const REDIS_WAIT_MS_MAX = 5_000
const REDIS_RETRY_MS = 100
/** How long a batch of a frozen partition keeps the other partitions waiting. */
const FROZEN_WAIT_MS_MAX = 100
const FROZEN_RETRY_MS = 20

/** Keeps the rows of one release in Redis: its views' changelogs, shared with other instances. */
export class ReleaseLoader implements ApplierHost {
  readonly views: ReadonlyMap<string, LoadedView>
  readonly #parts: LoaderParts
  readonly #logger: Logger
  readonly release: ReleaseRecord
  readonly #begins: ReadonlyMap<string, readonly PartitionOffset[]>
  readonly #appliers = new Map<string, PartitionApplier>()
  readonly #lag = new Map<string, bigint>()
  #assigned = new Set<string>()
  #consumer: Consumer | undefined
  #closed = false

  constructor(
    parts: LoaderParts,
    release: ReleaseRecord,
    views: readonly LoadedView[],
    begins: ReadonlyMap<string, readonly PartitionOffset[]>,
  ) {
    this.#parts = parts
    this.release = release
    const { application, release: number } = release
    this.#logger = parts.logger.child({ application, release: number })
    this.#begins = begins
    this.views = new Map(views.map((view) => [view.name, view]))
    for (const view of views) {
      for (const partition of view.slots.keys()) {
        const applier = new PartitionApplier(view, partition, parts.store, parts.settings, this)
        this.#appliers.set(partitionKey(view.definition.changelog.topic, partition), applier)
      }
    }
  }

  /** Joins the group that shares the changelogs. @returns what ends when the consumer does. */
  async start(): Promise<{ readonly finished: Promise<void> }> {
    const { settings, kafka, namespace } = this.#parts
    const { application, release } = this.release
    this.#consumer = await kafka.consumer({
      groupId: new TopicNames(namespace).resultsGroup(application, release),
      topics: [...this.views.values()].map((view) => view.definition.changelog.topic),
      from: 'beginning',
      commit: false,
      maxRecordsPerBatch: settings.recordsPerBatchMax,
      partitionsAtOnce: settings.partitionsAtOnceMax,
      maxWaitMs: 500,
      onAssigned: (assigned) => {
        this.#assigned = new Set(
          assigned.flatMap(({ topic, partitions }) =>
            partitions.map((partition) => partitionKey(topic, partition)),
          ),
        )
        this.#parts.metrics.assignments.inc()
      },
      startAt: (topic, partition) => this.#startAt(topic, partition),
      onBatch: async ({ topic, partition, records, endOffset }) => {
        const applier = this.#applier(topic, partition)
        const endTimer = this.#parts.metrics.applySeconds.startTimer()
        const seek = await this.#withRedis(() =>
          this.#applyThawed(applier, records, this.#begin(topic, partition)),
        )
        endTimer()
        if (seek === 'away') return { seekTo: records[0]?.offset ?? 0n }
        const next = seek?.seekTo ?? (records.at(-1)?.offset ?? -1n) + 1n
        this.#lag.set(partitionKey(topic, partition), endOffset > next ? endOffset - next : 0n)
        return seek
      },
    })
    if (this.#closed) await this.#consumer.close()
    return { finished: this.#consumer.finished }
  }

  /**
   * Compares what Redis has with what was seen there; what is gone is read again by its owner.
   * @throws the client's error while Redis is away, ChangelogGoneError
   */
  async check(): Promise<void> {
    await Promise.all(
      [...this.#appliers].map(([key, applier]) => this.#checkPartition(key, applier)),
    )
    // Nobody may be reading: positions that are reached make room for those that come.
    for (const view of this.views.values()) view.declared()
  }

  /** Partitions that this instance applies, of all views. */
  get assigned(): number {
    return this.#assigned.size
  }

  /** Records of a view that are still to be applied, in the partitions that this instance applies. */
  lagOf({ definition, slots }: LoadedView): number {
    let total = 0n
    for (const partition of slots.keys()) {
      const key = partitionKey(definition.changelog.topic, partition)
      if (this.#assigned.has(key)) total += this.#lag.get(key) ?? 0n
    }
    return Number(total)
  }

  /** Whether the release is not wanted any more, or a changelog of it has been deleted. */
  async isRemoved(): Promise<boolean> {
    if (!this.#isWanted()) return true
    const topics = [...this.views.values()].map((view) => view.definition.changelog.topic)
    const counts = await Promise.all(topics.map((topic) => this.#partitionCount(topic)))
    return counts.includes(undefined)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#consumer?.close()
    for (const view of this.views.values()) this.#parts.metrics.forget(labelsOf(view))
  }

  get fence(): number {
    // Replay takes one above the newest epoch; a replay before it may have taken that epoch itself.
    return this.#parts.control.epoch + 1
  }

  async mayBegin(view: LoadedView): Promise<boolean> {
    if (this.#closed || !this.#isWanted()) return false
    return (await this.#partitionCount(view.definition.changelog.topic)) !== undefined
  }

  applied(view: LoadedView, records: number): void {
    this.#parts.metrics.applied.inc(labelsOf(view), records)
  }

  outdated(view: LoadedView, records: number): void {
    this.#parts.metrics.outdated.inc(labelsOf(view), records)
    this.#logger.warn({ view: view.name, records }, 'older batches changed nothing')
  }

  dropped(view: LoadedView, rows: number): void {
    this.#parts.metrics.dropped.inc(labelsOf(view), rows)
  }

  refused(view: LoadedView, outcome: string): void {
    this.#parts.metrics.refusedApplies.inc({ ...labelsOf(view), outcome })
  }

  async #checkPartition(key: string, applier: PartitionApplier): Promise<void> {
    const { view, partition } = applier
    const slot = view.slots[partition]
    if (!slot) return
    const required = view.required(partition)
    const status = await this.#parts.store.status(slot)
    view.observe(partition, status?.next, required)
    view.noteFrozen(partition, status?.frozen === true)
    if (this.#closed || !this.#assigned.has(key) || !this.#consumer) return
    const { topic } = view.definition.changelog
    const next = await applier.recover(this.#begin(topic, partition), status?.next)
    if (next === undefined) return
    this.#logger.warn({ view: view.name, partition, next: String(next) }, 'reading again')
    this.#consumer.seek(topic, partition, next)
  }

  async #startAt(topic: string, partition: number): Promise<bigint | undefined> {
    const applier = this.#applier(topic, partition)
    const begin = this.#begin(topic, partition)
    const next = await this.#withRedis(() => applier.claim(begin))
    // Unclaimed, the partition is read from its beginning and claimed with its first batch.
    return next === 'away' ? undefined : next
  }

  /**
   * Keeps trying a frozen partition for a moment, then lets Kafka deliver its records again: the
   * other partitions get their turn, and it can be closed.
   */
  async #applyThawed(
    applier: PartitionApplier,
    records: readonly IncomingRecord[],
    begin: bigint,
  ): Promise<{ readonly seekTo: bigint } | undefined> {
    const deadline = Date.now() + FROZEN_WAIT_MS_MAX
    for (;;) {
      const seek = await applier.apply(records, begin)
      if (!seek?.frozen) return seek
      do {
        if (this.#closed || Date.now() > deadline) return { seekTo: seek.seekTo }
        await new Promise((resolve) => setTimeout(resolve, FROZEN_RETRY_MS))
      } while (await applier.isFrozen())
    }
  }

  /** Waits for a Redis that is away, for a bounded time; any other failure is the caller's. */
  async #withRedis<T>(work: () => Promise<T>): Promise<T | 'away'> {
    const deadline = Date.now() + REDIS_WAIT_MS_MAX
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (error instanceof ChangelogRecordError || error instanceof ChangelogGoneError)
          throw error
        this.#parts.metrics.redisErrors.inc()
        this.#logger.warn({ err: error }, 'Redis did not take a batch; trying again')
        if (this.#closed || Date.now() > deadline) return 'away'
        await new Promise((resolve) => setTimeout(resolve, REDIS_RETRY_MS))
      }
    }
  }

  #isWanted(): boolean {
    const { application, release } = this.release
    return (
      this.#parts.control.isReadable(application, release) && !this.#parts.isRefused(this.release)
    )
  }

  #partitionCount(topic: string): Promise<number | undefined> {
    return this.#parts.kafka.admin.partitionCount(topic)
  }

  #applier(topic: string, partition: number): PartitionApplier {
    const applier = this.#appliers.get(partitionKey(topic, partition))
    if (applier) return applier
    throw new Error(
      `${topic} has a partition ${partition} that its release does not know: changelogs keep their partitions`,
    )
  }

  #begin(topic: string, partition: number): bigint {
    const begins = this.#begins.get(topic) ?? []
    return begins.find((begin) => begin.partition === partition)?.offset ?? 0n
  }
}

function partitionKey(topic: string, partition: number): string {
  return `${topic}/${partition}`
}
