import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { ReleaseDefinition } from '@kappa/applications/records'
import type { SparkSession } from '@kappa/spark-connect/session'
import type { Trigger } from '@kappa/spark-connect/write-stream'
import type { ObjectStore } from '../object-store.ts'
import { QueryStarter } from '../spark/query-starter.ts'
import { tasksMax } from '../spark/spark-size.ts'
import type { Inputs } from '../spark/spark-views.ts'
import { type StreamsReading, unbounded } from '../spark/stream-reading.ts'
import { batchLimits } from './batch-limits.ts'
import { checkpointPrefix, readNextWatermark, readOffsetLog, readTail } from './checkpoint.ts'
import type { FinishedBatch } from './finished-batch.ts'
import { CutError, planForcedBatch } from './forced-batch.ts'
import { formatOffsetLog } from './offset-log.ts'
import { countBatch, type PlannedBatch } from './planned-batch.ts'
import type { CatchUpMode, ContinuousMode, UpToMode } from './query-mode.ts'
import { slackNeededMs } from './slack-needed.ts'
import { untilEnded } from './until-ended.ts'
import type { ViewIdentity } from './view-position.ts'
import { type StartedQuery, startInSupportedMode } from './view-query.ts'

/** Rows below the watermark would be lost, so the batch was not planned. */
export class SlackError extends Error {
  readonly slackNeededMs: number

  constructor(view: string, dropped: number, slackMs: number) {
    super(
      `View ${view} would drop ${dropped} rows that its watermark has passed; it had to be read with ${slackMs} ms more slack.`,
    )
    this.name = 'SlackError'
    this.slackNeededMs = slackMs
  }
}

export interface ViewQueriesParts {
  readonly session: SparkSession
  readonly definition: Inputs & Pick<ReleaseDefinition, 'spark'>
  /** How Spark reaches Kafka, see `sparkKafkaOptions`. */
  readonly kafka: Readonly<Record<string, string>>
  readonly store: ObjectStore
  readonly logEnds: (topics: readonly string[]) => Promise<OffsetsByTopic>
  /** Longest run of a single batch that is waited for. */
  readonly batchTimeoutMs: number
  /** Calls off what is waited for. */
  readonly signal: AbortSignal
}

/**
 * A delay that no watermark ever gets past: what was planned before a stop may be a part of what is
 * unread, and the rest must not be older than a watermark that it has moved.
 */
const standstillSlackMs = 200 * 365 * 24 * 3_600_000

type Pace = Pick<CatchUpMode, 'eventsPerSecondMax'>

/** The queries of a release's views in one session: started from their checkpoints, one at a time. */
export class ViewQueries {
  readonly #parts: ViewQueriesParts
  readonly #starter: QueryStarter

  constructor(parts: ViewQueriesParts) {
    this.#parts = parts
    this.#starter = new QueryStarter(parts.session, parts.definition, parts.kafka)
  }

  /**
   * Starts a query. Before that it runs what the checkpoint has planned: Spark 4.1 ends a query that has
   * repeated a batch with an error, and in a catch-up it was planned for another end of the log.
   *
   * @returns `counted`: batches of which Spark does not tell, counted in the log
   * @throws SparkError when Spark refuses the query or cannot run a planned batch
   */
  async start(
    identity: ViewIdentity,
    mode: ContinuousMode | CatchUpMode,
  ): Promise<StartedQuery & { readonly counted: readonly FinishedBatch[] }> {
    const { planned } = await readTail(this.#parts.store, prefixOf(identity))
    const pace = mode.kind === 'catch-up' ? mode : {}
    const counted = planned < 0 ? [] : await this.#settle(identity, pace)
    if (mode.kind === 'continuous') {
      return { ...(await this.#start(identity, unbounded)), counted }
    }
    const reading = await this.#catchUpReading(identity, mode)
    return { ...(await this.#start(identity, reading, { availableNow: true })), counted }
  }

  /**
   * Has the query, which must not be running, end what it has planned: nobody else decides where its
   * newest batch ends.
   * @returns the batches that it took, counted in the log
   * @throws SparkError when Spark cannot run the batch
   */
  settle(identity: ViewIdentity): Promise<readonly FinishedBatch[]> {
    return this.#settle(identity, {})
  }

  /**
   * Has the query, which must not be running, read up to given offsets and end there: the batch is
   * written to the offset log, and Spark runs it as one that was planned before it stopped. Whatever is
   * killed on the way, doing it again leads to the same rows.
   *
   * @returns the batches that it took, counted in the log; none where the query was there already
   * @throws CutError when the query is beyond the offsets somewhere
   * @throws SlackError when rows would be dropped; nothing was written
   * @throws SparkError when Spark cannot run the batch
   */
  async runUpTo(
    identity: ViewIdentity,
    { offsets, slackMs = {} }: UpToMode,
  ): Promise<readonly FinishedBatch[]> {
    const counted = await this.#settle(identity, {})
    const forced = await this.#planUpTo(identity, offsets)
    if (!forced) return counted
    const { batch, planned } = forced
    const finished = await this.#count(forced)
    const streams = Object.keys(this.#parts.definition.sources)
    const dropped = finished.stateOperators[0]?.rowsDroppedByWatermark ?? 0
    if (dropped > 0) throw new SlackError(identity.name, dropped, slackNeededMs(finished, streams))
    const { store } = this.#parts
    const prefix = prefixOf(identity)
    if (!(await store.putNew(`${prefix}offsets/${batch}`, formatOffsetLog(planned)))) {
      throw new CutError(`Batch ${batch} of ${identity.name} was planned by somebody else.`)
    }
    await this.#runPlanned(identity, { slackMs }, batch)
    if (await this.#planUpTo(identity, offsets)) {
      throw new CutError(`The query of ${identity.name} did not stop at the cut.`)
    }
    return [...counted, finished]
  }

  async #planUpTo(
    identity: ViewIdentity,
    offsets: OffsetsByTopic,
  ): Promise<PlannedBatch | undefined> {
    const { store } = this.#parts
    const prefix = prefixOf(identity)
    const { committed } = await readTail(store, prefix)
    const before = await readOffsetLog(store, prefix, committed)
    const nextWatermarkMs = await readNextWatermark(store, prefix, committed)
    const planned = planForcedBatch(before, nextWatermarkMs, offsets)
    return planned && { batch: committed + 1, before, planned }
  }

  /** Brings the checkpoint to a state in which its newest planned batch is committed. */
  async #settle(identity: ViewIdentity, pace: Pace): Promise<FinishedBatch[]> {
    const { store } = this.#parts
    const prefix = prefixOf(identity)
    const { committed, planned: batch } = await readTail(store, prefix)
    if (committed >= 0 && batch === committed) return []
    const streams = Object.keys(this.#parts.definition.sources)
    const slackMs = Object.fromEntries(streams.map((name) => [name, standstillSlackMs]))
    if (batch < 0) {
      // Empty, and Spark tells of it.
      await this.#runPlanned(identity, { slackMs }, 0)
      return []
    }
    const planned = await readOffsetLog(store, prefix, batch)
    const reading = { slackMs, ...this.#throttle(pace, planned.sources) }
    await this.#runPlanned(identity, reading, batch)
    const before = batch === 0 ? undefined : await readOffsetLog(store, prefix, batch - 1)
    return [await this.#count({ batch, before, planned })]
  }

  /**
   * Runs what the checkpoint has planned, and nothing that it has not. Spark 4.1 ends a query that has
   * repeated a batch with an error of its Kafka source after the commit: the checkpoint tells the truth.
   */
  async #runPlanned(
    identity: ViewIdentity,
    reading: Pick<StreamsReading, 'slackMs' | 'throttle'>,
    batch: number,
  ): Promise<void> {
    const { store, batchTimeoutMs: timeoutMs, signal } = this.#parts
    const nothingNew = { ...reading, batch: 'nothing' } as const
    const { query } = await this.#start(identity, nothingNew, { availableNow: true })
    const failure = await untilEnded(query, { timeoutMs, signal })
    const { committed } = await readTail(store, prefixOf(identity))
    if (committed >= batch) return
    throw failure ?? new Error(`The query of ${identity.name} ended without batch ${batch}.`)
  }

  async #catchUpReading(identity: ViewIdentity, mode: CatchUpMode): Promise<StreamsReading> {
    const { logEnds } = this.#parts
    const sources = await this.#sourcesOf(identity)
    const ends = await logEnds([...new Set(sources.flatMap(Object.keys))])
    return {
      slackMs: mode.slackMs,
      batch: { eventsMaxByTopic: batchLimits(sources, ends, mode.eventsPerBatchMax) },
      ...this.#throttle(mode, sources),
    }
  }

  /**
   * Where each source of the query is. Before its first batch nobody knows which of the streams it
   * reads; as if it read all of them, its batches are smaller than they may be, and as even.
   */
  async #sourcesOf(identity: ViewIdentity): Promise<readonly OffsetsByTopic[]> {
    const { store, definition, logEnds } = this.#parts
    const prefix = prefixOf(identity)
    const { committed } = await readTail(store, prefix)
    if (committed >= 0) return (await readOffsetLog(store, prefix, committed)).sources
    const topics = new Set(Object.values(definition.sources).map(({ topic }) => topic))
    const ends = await logEnds([...topics])
    return Object.entries(ends).map(([topic, partitions]) => {
      const starts = definition.starts?.[topic] ?? {}
      return {
        [topic]: Object.fromEntries(
          Object.keys(partitions).map((partition) => [partition, starts[partition] ?? '0']),
        ),
      }
    })
  }

  #throttle(
    { eventsPerSecondMax }: Pace,
    sources: readonly OffsetsByTopic[],
  ): Pick<StreamsReading, 'throttle'> {
    if (eventsPerSecondMax === undefined) return {}
    const partitions = sources.flatMap(Object.values).flatMap(Object.keys).length
    const concurrentTasks = Math.max(
      1,
      Math.min(tasksMax(this.#parts.definition.spark), partitions),
    )
    return { throttle: { eventsPerSecondMax, concurrentTasks } }
  }

  async #start(
    identity: ViewIdentity,
    reading: StreamsReading,
    trigger: Trigger = { asFastAsPossible: true },
  ): Promise<StartedQuery> {
    const { definition, kafka, store, logEnds } = this.#parts
    const topics = Object.keys(definition.starts ?? {})
    const ends = topics.length > 0 ? { ends: await logEnds(topics) } : {}
    return this.#starter.start({ ...reading, ...ends }, (session) =>
      startInSupportedMode(session, identity, { kafka, store, trigger }),
    )
  }

  #count(planned: PlannedBatch): Promise<FinishedBatch> {
    const { session, kafka, definition, batchTimeoutMs: timeoutMs } = this.#parts
    const { sources, starts = {} } = definition
    return countBatch(session, planned, { sources, starts, kafka, timeoutMs })
  }
}

function prefixOf({ application, release, name }: ViewIdentity): string {
  return checkpointPrefix(application, release, name)
}
