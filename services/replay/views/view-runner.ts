import {
  type ApplicationDefinition,
  undecodableEventsMaxByDefault,
} from '@kappa/applications/definition'
import type { ReleaseView } from '@kappa/applications/records'
import type { Logger } from '@kappa/service/logger'
import type { StreamingQueryProgress } from '@kappa/spark-connect/progress'
import type { StreamingQuery } from '@kappa/spark-connect/streaming-query'
import type { ReleaseSettings } from '../config.ts'
import type { ViewStatus } from '../releases/release-status.ts'
import type { ViewPosition } from './view-position.ts'

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
  runId: string | undefined
  #state: ViewStatus['state'] = 'starting'
  #failures = 0
  #lastError: string | undefined
  #lastProgress: StreamingQueryProgress | undefined
  #rowsDropped = 0
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

  started({
    query,
    outputMode,
  }: {
    query: StreamingQuery
    outputMode: ReleaseView['outputMode']
  }): void {
    this.view = { ...this.view, outputMode }
    this.runId = query.runId
    this.#state = 'running'
    this.#restartAt = undefined
    this.#lagsSince = undefined
  }

  /**
   * Returns whether the position has moved.
   * @throws UndecodableEventsError
   */
  async finishedBatch(progress: StreamingQueryProgress): Promise<boolean> {
    this.#lastProgress = progress
    for (const operator of progress.stateOperators)
      this.#rowsDropped += operator.rowsDroppedByWatermark
    const moved = await this.position.finishBatch(progress)
    if (moved) {
      this.#failures = 0
      this.#lagsSince = undefined
      if (this.#undecodableAboveBound().length > 0) await this.position.listed()
      this.checkUndecodable()
    }
    return moved
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

  /** @throws ViewFailedError when it has failed as often as is allowed. */
  failed(error: string): void {
    this.#failures += 1
    this.#lastError = error
    this.runId = undefined
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
    this.runId = undefined
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
    const operators = this.#lastProgress?.stateOperators
    const { undecodable_newest: newest, ...position } = this.position.record
    return {
      view: this.name,
      state: this.#state,
      output_mode: this.view.outputMode,
      position: newest ? { ...position, undecodable_newest: [...newest] } : position,
      lag_events: lagEvents,
      batch_ms: this.#lastProgress?.batchDurationMs ?? null,
      batch_parts_ms: this.#lastProgress?.durationMs ?? null,
      state_rows: operators?.reduce((sum, { rowsTotal }) => sum + rowsTotal, 0) ?? null,
      rows_dropped_by_watermark: this.#rowsDropped,
      failures_in_a_row: this.#failures,
      last_error: this.#lastError ?? null,
    }
  }
}
