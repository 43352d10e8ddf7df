import type { StreamingQueryProgress } from '@kappa/spark-connect/progress'

/** Spark's names for the parts of a micro-batch. What it calls otherwise, some day, is `other`. */
const phases = [
  'latestOffset',
  'getBatch',
  'queryPlanning',
  'walCommit',
  'addBatch',
  'commitBatch',
  'commitOffsets',
] as const

/** What the micro-batches of one view have done in all, and the newest of them. */
export class BatchFigures {
  batches = 0
  inputRows = 0
  rowsDroppedByWatermark = 0
  seconds = 0
  readonly #secondsByPhase = new Map<string, number>()
  #newest: StreamingQueryProgress | undefined

  add(progress: StreamingQueryProgress): void {
    this.#newest = progress
    this.batches += 1
    this.inputRows += progress.inputRows
    this.seconds += progress.batchDurationMs / 1_000
    for (const { rowsDroppedByWatermark } of progress.stateOperators)
      this.rowsDroppedByWatermark += rowsDroppedByWatermark
    for (const [name, ms] of Object.entries(progress.durationMs)) {
      // The whole of which the others are the parts.
      if (name === 'triggerExecution') continue
      const phase = phases.find((known) => known === name) ?? 'other'
      this.#secondsByPhase.set(phase, (this.#secondsByPhase.get(phase) ?? 0) + ms / 1_000)
    }
  }

  get secondsByPhase(): Iterable<readonly [phase: string, seconds: number]> {
    return this.#secondsByPhase
  }

  get newest(): StreamingQueryProgress | undefined {
    return this.#newest
  }

  /** Of the newest batch, over all its sources. */
  get rowsPerSecond(): number {
    const sources = this.#newest?.sources ?? []
    return sources.reduce((sum, { processedRowsPerSecond }) => sum + processedRowsPerSecond, 0)
  }

  get stateRows(): number {
    return this.#sum(({ rowsTotal }) => rowsTotal)
  }

  get stateBytes(): number {
    return this.#sum(({ memoryUsedBytes }) => memoryUsedBytes)
  }

  #sum(of: (operator: StreamingQueryProgress['stateOperators'][number]) => number): number {
    return (this.#newest?.stateOperators ?? []).reduce((sum, each) => sum + of(each), 0)
  }
}
