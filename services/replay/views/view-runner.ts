import {
  type ApplicationDefinition,
  undecodableEventsMaxByDefault,
} from '@kappa/applications/definition'
import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { ReleaseView } from '@kappa/applications/records'
import type { Logger } from '@kappa/service/logger'
import type { StreamingQueryProgress } from '@kappa/spark-connect/progress'
import type { StreamingQuery } from '@kappa/spark-connect/streaming-query'
import type { ReleaseSettings } from '../config.ts'
import { BatchFigures } from './batch-figures.ts'
import type { QueryMode } from './query-mode.ts'
import { slackNeededMs } from './slack-needed.ts'
import type { ViewPosition } from './view-position.ts'
import type { ViewStatus } from './view-status.ts'

const recentBatchesMax = 5

/** Raised when a view has failed as often as is allowed: the release cannot go on. */
export class ViewFailedError extends Error {
  constructor(view: string, failures: number, lastError: string) {
    super(`View ${view} failed ${failures} times in a row, at last with: ${lastError}`)
    this.name = 'ViewFailedError'
  }
}

/** Raised when a stream has more records that cannot be decoded than its bound allows. */
export class UndecodableEventsError extends Error {
  constructor(view: string, stream: string, count: number, countMax: number, newest: string) {
    super(
      `View ${view} has met ${count} records in the stream ${stream} that cannot be decoded, more than the ${countMax} that undecodable_events_max allows; ${newest}. Mend their producer; then raise undecodable_events_max in application.yaml and restart replay to go on without them.`,
    )
    this.name = 'UndecodableEventsError'
  }
}

/** The query of one view: started from its checkpoint, and again, with growing delays, after a failure. */
export class ViewRunner {
  readonly name: string
  view: ReleaseView
  readonly position: ViewPosition
  readonly figures = new BatchFigures()
  #query: StreamingQuery | undefined
  #mode: QueryMode | undefined
  /** Where the log ended when the query was started. */
  #backlogEnds: OffsetsByTopic = {}
  #state: ViewStatus['state'] = 'starting'
  #failures = 0
  #lastError: string | undefined
  #slackWanted: number | undefined
  readonly #recentBatches: { readonly events: number; readonly ms: number }[] = []
  #restartAt: number | undefined
  /** Since when (epoch ms) there is something to read and no batch was finished. */
  #lagsSince: number | undefined
  readonly #settings: ReleaseSettings
  readonly #streams: ApplicationDefinition['streams']
  readonly #logger: Logger

  constructor(options: {
    name: string
    view: ReleaseView
    position: ViewPosition
    settings: ReleaseSettings
    streams: ApplicationDefinition['streams']
    logger: Logger
  }) {
    this.name = options.name
    this.view = options.view
    this.position = options.position
    this.#settings = options.settings
    this.#streams = options.streams
    this.#logger = options.logger
  }

  get runId(): string | undefined {
    return this.#query?.runId
  }

  /** Whether it reads what has piled up, or waits to be started again after that. */
  get isCatchingUp(): boolean {
    return this.#state !== 'running' || this.#mode?.kind !== 'continuous'
  }

  /** Whether it runs, and has read what was in the log when it was started. */
  hasReadBacklog(): boolean {
    return !this.isCatchingUp && this.position.lag(this.#backlogEnds) <= 0
  }

  /** Whether its query ends when it has read what was there as it was started. */
  get endsByItself(): boolean {
    return this.#mode?.kind === 'catch-up'
  }

  get rowsDropped(): number {
    return this.figures.rowsDroppedByWatermark
  }

  /** Once rows were dropped: the watermark slack (ms) with which none would have been. */
  get slackWanted(): number | undefined {
    return this.rowsDropped === 0 ? undefined : (this.#slackWanted ?? 0)
  }

  /** Since the runner was made. */
  get eventsRead(): number {
    return this.figures.inputRows
  }

  /** Over the last batches; undefined before the first one. */
  get eventsPerSecond(): number | undefined {
    const ms = this.#recentBatches.reduce((sum, batch) => sum + batch.ms, 0)
    const events = this.#recentBatches.reduce((sum, batch) => sum + batch.events, 0)
    return ms === 0 ? undefined : (events * 1_000) / ms
  }

  get stateRows(): number {
    return this.figures.stateRows
  }

  get stateBytes(): number {
    return this.figures.stateBytes
  }

  /** Its start has begun, and is not due any more. */
  starting(): void {
    this.#state = 'starting'
    this.#restartAt = undefined
  }

  started(
    { query, outputMode }: { query: StreamingQuery; outputMode: ReleaseView['outputMode'] },
    mode: QueryMode,
    ends: OffsetsByTopic,
  ): void {
    this.#backlogEnds = ends
    this.view = { ...this.view, outputMode }
    this.#query = query
    this.#mode = mode
    this.#state = 'running'
    this.#restartAt = undefined
    this.#lagsSince = undefined
  }

  /**
   * Returns whether the position has moved.
   * @throws UndecodableEventsError
   */
  async finishedBatch(progress: StreamingQueryProgress): Promise<boolean> {
    this.figures.add(progress)
    this.#recentBatches.push({ events: progress.inputRows, ms: progress.batchDurationMs })
    if (this.#recentBatches.length > recentBatchesMax) this.#recentBatches.shift()
    this.#noteSlack(progress)
    const moved = await this.position.finishBatch(progress)
    if (moved) {
      this.#failures = 0
      this.#lagsSince = undefined
      if (this.#undecodableAboveBound().length > 0) await this.position.listed()
      this.checkUndecodable()
    }
    return moved
  }

  #noteSlack(progress: StreamingQueryProgress): void {
    const lacking = slackNeededMs(progress, Object.keys(this.#streams))
    const given =
      this.#mode?.kind === 'catch-up' ? Math.max(0, ...Object.values(this.#mode.slackMs)) : 0
    if (lacking > 0) this.#slackWanted = Math.max(this.#slackWanted ?? 0, given + lacking)
  }

  /** @throws UndecodableEventsError when a stream has more than its bound allows. */
  checkUndecodable(): void {
    for (const { stream, count, countMax } of this.#undecodableAboveBound()) {
      const last = this.position.record.undecodable_newest?.at(-1)
      const newest = last
        ? `the newest is at ${last.topic}/${last.partition}/${last.offset}: ${last.reason}`
        : 'where they are is not known'
      throw new UndecodableEventsError(this.name, stream, count, countMax, newest)
    }
  }

  #undecodableAboveBound() {
    const counts = this.position.record.undecodable_by_stream ?? {}
    return Object.entries(counts)
      .map(([stream, count]) => {
        const { undecodableEventsMax } = this.#streams[stream] ?? {}
        return { stream, count, countMax: undecodableEventsMax ?? undecodableEventsMaxByDefault }
      })
      .filter(({ count, countMax }) => count > countMax)
  }

  /** What had piled up is read: it is started again for what came meanwhile, at once. */
  ended(): void {
    this.#query = undefined
    this.#state = 'restarting'
    this.#restartAt = Date.now()
  }

  /** Stops its query and leaves it so until it is started again by `restart`. */
  async hold(): Promise<void> {
    const query = this.#query
    this.stopped()
    await query?.stop()
  }

  /** To be started again with the next heartbeat. */
  restart(): void {
    this.#state = 'restarting'
    this.#restartAt = Date.now()
  }

  /** @throws ViewFailedError when it has failed as often as is allowed. */
  failed(error: string): void {
    this.#failures += 1
    this.#lastError = error
    this.#query = undefined
    this.#logger.warn({ view: this.name, failures: this.#failures, error }, 'a view failed')
    if (this.#failures >= this.#settings.failuresMax) {
      throw new ViewFailedError(this.name, this.#failures, error)
    }
    const { restartDelayMsMin, restartDelayMsMax } = this.#settings
    const delayMs = Math.min(restartDelayMsMin * 2 ** (this.#failures - 1), restartDelayMsMax)
    this.#restartAt = Date.now() + delayMs
    this.#state = 'restarting'
  }

  get isDue(): boolean {
    return this.#restartAt !== undefined && Date.now() >= this.#restartAt
  }

  stopped(): void {
    this.#state = 'stopped'
    this.#query = undefined
    this.#restartAt = undefined
  }

  /** Whether there has been something to read for longer than is allowed without a finished batch. */
  isStuck(lags: boolean): boolean {
    if (!lags || this.#state !== 'running') {
      this.#lagsSince = undefined
      return false
    }
    this.#lagsSince ??= Date.now()
    return Date.now() - this.#lagsSince > this.#settings.progressTimeoutMs
  }

  status(lagEvents: number): ViewStatus {
    const { undecodable_newest: newest, ...position } = this.position.record
    const newestBatch = this.figures.newest
    return {
      view: this.name,
      state: this.#state,
      mode: this.#mode?.kind === 'catch-up' ? 'catch-up' : this.#mode ? 'continuous' : null,
      output_mode: this.view.outputMode,
      position: newest ? { ...position, undecodable_newest: [...newest] } : position,
      lag_events: lagEvents,
      batch_ms: newestBatch?.batchDurationMs ?? null,
      batch_parts_ms: newestBatch?.durationMs ?? null,
      state_rows: newestBatch === undefined ? null : this.stateRows,
      rows_dropped_by_watermark: this.rowsDropped,
      failures_in_a_row: this.#failures,
      last_error: this.#lastError ?? null,
    }
  }
}
