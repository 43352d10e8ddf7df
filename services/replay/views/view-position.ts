import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { PositionRecord, ReleaseView } from '@kappa/applications/records'
import { observationName, type StreamSource } from '@kappa/applications/stream-plan'
import type { Kafka } from '@kappa/kafka/port'
import type { Logger } from '@kappa/service/logger'
import type { ObjectStore } from '../object-store.ts'
import {
  type CommittedBatch,
  checkpointPrefix,
  readBatch,
  readCommittedBatch,
} from './checkpoint.ts'
import { Currency } from './currency.ts'
import type { FinishedBatch } from './finished-batch.ts'
import type { UndecodableBounds } from './undecodable-records.ts'
import { addFound, UndecodableSearch } from './undecodable-search.ts'

export interface ViewIdentity {
  readonly application: string
  readonly release: number
  readonly name: string
  readonly view: ReleaseView
}

interface Counts {
  readonly exact: boolean
  readonly complete: boolean
  readonly late: number
  readonly undecodable: number
  readonly undecodableByStream: Readonly<Record<string, number>>
  readonly newestAcceptedMs: number | null
}

export interface PositionParts {
  readonly store: ObjectStore
  readonly kafka: Kafka
  readonly epoch: number
  readonly known: PositionRecord | undefined
  readonly sources: Readonly<Record<string, StreamSource>>
  readonly undecodable: UndecodableBounds
  readonly logger: Logger
}

/** Keeps the position of one view: how far its checkpoint, its changelog and its counts have come. */
export class ViewPosition {
  record: PositionRecord
  readonly #identity: ViewIdentity
  readonly #store: ObjectStore
  readonly #kafka: Kafka
  readonly #currency: Currency
  readonly #prefix: string
  readonly #sources: Readonly<Record<string, StreamSource>>
  readonly #search: UndecodableSearch

  constructor(identity: ViewIdentity, parts: PositionParts) {
    const { application, release, name } = identity
    this.#identity = identity
    this.#store = parts.store
    this.#kafka = parts.kafka
    this.#prefix = checkpointPrefix(application, release, name)
    this.#currency = new Currency(parts.known?.current_at ?? 0)
    this.#sources = parts.sources
    const { listedMax } = parts.undecodable
    this.#search = new UndecodableSearch({
      kafka: parts.kafka,
      bounds: parts.undecodable,
      logger: parts.logger,
      onFound: (found) => {
        const newest = addFound(this.record.undecodable_newest ?? [], found, listedMax)
        this.record = { ...this.record, undecodable_newest: newest }
      },
    })
    this.record = {
      application,
      release,
      view: name,
      batch: -1,
      sources: {},
      changelog: {},
      as_of: null,
      current_at: 0,
      complete: true,
      late_events: 0,
      undecodable_events: 0,
      counts_exact: true,
      ...parts.known,
      epoch: parts.epoch,
    }
  }

  /**
   * Takes over what the checkpoint has; to be called before every start of the query. Batches may
   * have been committed while nobody listened, and Spark 4.1 ends a query that has repeated a batch
   * after a crash with a NullPointerException in its Kafka source's metrics, after the commit and
   * before it tells about the batch.
   */
  async readCheckpoint(): Promise<void> {
    const committed = await readCommittedBatch(this.#store, this.#prefix)
    if (committed.batch < this.record.batch) {
      throw new Error(
        `The checkpoint of ${this.#identity.name} is at batch ${committed.batch}, but batch ${this.record.batch} was published: the object store has lost data.`,
      )
    }
    const missed = committed.batch > this.record.batch
    const counts = this.#countsSoFar()
    await this.#advance(committed, { ...counts, exact: counts.exact && !missed })
  }

  /** Returns whether the position has moved. */
  async finishBatch(progress: FinishedBatch): Promise<boolean> {
    if (progress.batchId <= this.record.batch) return false
    const committed = await readBatch(this.#store, this.#prefix, progress.batchId)
    const before = this.#countsSoFar()
    const missed = progress.batchId > this.record.batch + 1
    const streams = Object.keys(this.#sources)
    const counts = addCounts({ ...before, exact: before.exact && !missed }, progress, streams)
    const from = this.record.sources
    await this.#advance(committed, counts, {
      ...found('watermark', watermarkMs(progress)),
      ...found('state_rows', stateRows(progress)),
    })
    for (const [name, source] of Object.entries(this.#sources)) {
      const count = (which: Counts) => which.undecodableByStream[name] ?? 0
      if (count(counts) === count(before)) continue
      const to = committed.sources[source.topic] ?? {}
      this.#search.add(source, { from: from[source.topic] ?? {}, to })
    }
    return true
  }

  /** Resolves when the undecodable records of finished batches are listed. */
  listed(): Promise<void> {
    return this.#search.settled()
  }

  /** Log ends as sampled at `takenAt`; the record's `current_at` follows. */
  sample(takenAt: number, ends: OffsetsByTopic): void {
    this.#currency.addSample(takenAt, this.#own(ends))
    this.#setCurrentAt()
  }

  /** Events of the log that the rows do not cover yet; at most, when a topic holds markers or gaps. */
  lag(ends: OffsetsByTopic): number {
    let events = 0n
    for (const [topic, offsets] of Object.entries(this.#own(ends))) {
      for (const [partition, end] of Object.entries(offsets)) {
        const unread = BigInt(end) - BigInt(this.record.sources[topic]?.[partition] ?? 0)
        if (unread > 0n) events += unread
      }
    }
    return Number(events)
  }

  /** The ends of the topics that this view reads; before its first batch nobody knows which those are. */
  #own(ends: OffsetsByTopic): OffsetsByTopic {
    const topics = Object.keys(this.record.sources)
    return topics.length === 0
      ? ends
      : Object.fromEntries(topics.map((topic) => [topic, ends[topic] ?? {}]))
  }

  async #advance(
    committed: CommittedBatch,
    counts: Counts,
    told: Pick<PositionRecord, 'watermark' | 'state_rows'> = {},
  ): Promise<void> {
    // The ends are read after the commit: whatever the batch wrote lies below them.
    const ends = await this.#kafka.admin.endOffsets(this.#identity.view.changelog.topic)
    this.record = {
      ...this.record,
      batch: committed.batch,
      sources: committed.sources,
      changelog: Object.fromEntries(
        ends.map(({ partition, offset }) => [partition, String(offset)]),
      ),
      as_of: counts.newestAcceptedMs,
      complete: counts.complete,
      late_events: counts.late,
      undecodable_events: counts.undecodable,
      undecodable_by_stream: counts.undecodableByStream,
      counts_exact: counts.exact,
      ...told,
    }
    this.#setCurrentAt()
  }

  #setCurrentAt(): void {
    this.record = { ...this.record, current_at: this.#currency.currentAt(this.record.sources) }
  }

  #countsSoFar(): Counts {
    const { complete, counts_exact, late_events, undecodable_events, as_of } = this.record
    return {
      exact: counts_exact,
      complete,
      late: late_events,
      undecodable: undecodable_events,
      undecodableByStream: this.record.undecodable_by_stream ?? {},
      newestAcceptedMs: as_of,
    }
  }
}

function addCounts(
  before: Counts,
  progress: FinishedBatch,
  streamNames: readonly string[],
): Counts {
  const dropped = progress.stateOperators.reduce(
    (sum, operator) => sum + operator.rowsDroppedByWatermark,
    0,
  )
  const streams = Object.values(progress.observedMetrics)
  const sum = (name: string) =>
    streams.reduce((total, metrics) => total + Number(metrics[name] ?? 0), 0)
  const newest = Math.max(
    ...streams.map((metrics) => Number(metrics.newest_accepted_ms ?? 0)),
    before.newestAcceptedMs ?? 0,
  )
  const undecodableByStream = streamNames.map((name) => {
    const counted = progress.observedMetrics[observationName(name)]?.undecodable_events
    return [name, (before.undecodableByStream[name] ?? 0) + Number(counted ?? 0)] as const
  })
  return {
    exact: before.exact,
    undecodableByStream: Object.fromEntries(undecodableByStream.filter(([, count]) => count > 0)),
    complete: before.complete && dropped === 0,
    late: before.late + sum('late_events') + sum('early_events'),
    undecodable: before.undecodable + sum('undecodable_events'),
    newestAcceptedMs: newest > 0 ? newest : null,
  }
}

function found<Name extends string>(name: Name, value: number | undefined) {
  return value === undefined ? {} : { [name]: value }
}

function stateRows({ stateOperators }: FinishedBatch): number | undefined {
  if (stateOperators.some(({ rowsTotal }) => rowsTotal === undefined)) return undefined
  return stateOperators.reduce((sum, { rowsTotal = 0 }) => sum + rowsTotal, 0)
}

function watermarkMs(progress: FinishedBatch): number | undefined {
  return progress.watermark === undefined ? undefined : Date.parse(progress.watermark)
}
