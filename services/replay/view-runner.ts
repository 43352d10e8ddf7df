import type { ReleaseView } from '@kappa/applications/records'
import type { Logger } from '@kappa/service/logger'
import type { StreamingQueryProgress } from '@kappa/spark-connect/progress'
import type { StreamingQuery } from '@kappa/spark-connect/streaming-query'
import type { ReleaseSettings } from './config.ts'
import type { ViewStatus } from './release-status.ts'
import type { ViewPosition } from './view-position.ts'

/** Raised when a view has failed as often as is allowed: the release cannot go on. */
export class ViewFailedError extends Error {
  constructor(view: string, failures: number, lastError: string) {
    super(`View ${view} failed ${failures} times in a row, at last with: ${lastError}`)
    this.name = 'ViewFailedError'
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
  readonly #logger: Logger

  constructor(options: {
    name: string
    view: ReleaseView
    position: ViewPosition
    settings: ReleaseSettings
    logger: Logger
  }) {
    this.name = options.name
    this.view = options.view
    this.position = options.position
    this.#settings = options.settings
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

  /** Returns whether the position has moved. */
  async finishedBatch(progress: StreamingQueryProgress): Promise<boolean> {
    this.#lastProgress = progress
    for (const operator of progress.stateOperators)
      this.#rowsDropped += operator.rowsDroppedByWatermark
    const moved = await this.position.finishBatch(progress)
    if (moved) {
      this.#failures = 0
      this.#lagsSince = undefined
    }
    return moved
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
    return {
      view: this.name,
      state: this.#state,
      output_mode: this.view.outputMode,
      position: this.position.record,
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
