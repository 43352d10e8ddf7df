import { counter, gauge, type Registry, readMetrics } from '@kappa/service/metrics'
import type { Overview } from './overview.ts'

const view = ['application', 'release', 'view'] as const

const metrics = {
  batches: counter('kappa_spark_batches_total', 'Micro-batches that a query has finished.', view),
  seconds: counter(
    'kappa_spark_batch_seconds_total',
    'Time that the micro-batches of a query have taken.',
    view,
  ),
  phases: counter(
    'kappa_spark_batch_phase_seconds_total',
    'The same by phase, in the words of Spark; what is left is between them.',
    [...view, 'phase'],
  ),
  inputRows: counter(
    'kappa_spark_input_rows_total',
    'Rows that a query has read, of a source that it reads twice both times.',
    view,
  ),
  dropped: counter(
    'kappa_spark_rows_dropped_by_watermark_total',
    'Rows that were refused although they are on time: above 0 the view is incomplete.',
    view,
  ),
  rowsPerSecond: gauge(
    'kappa_spark_processed_rows_per_second',
    'Rows that the newest micro-batch has read, by its duration.',
    view,
  ),
  newest: gauge(
    'kappa_spark_last_batch_duration_seconds',
    'Duration of the newest micro-batch.',
    view,
  ),
  stateRows: gauge('kappa_spark_state_rows', 'Rows that a query holds as state.', view),
  stateBytes: gauge('kappa_spark_state_memory_bytes', 'Memory that its state takes.', view),
  watermark: gauge(
    'kappa_spark_watermark_timestamp_seconds',
    'Event time up to which windows are closed, Unix time.',
    view,
  ),
}

/** What Spark tells of the queries that run, since their cluster was started. */
export function measureSpark(registry: Registry, overview: Overview): void {
  readMetrics(registry, metrics, (set) => {
    for (const { record, views } of overview.lives()) {
      for (const { name, figures } of views) {
        const { newest } = figures
        if (newest === undefined) continue
        const { application, release } = record
        const labels = { application, release, view: name }
        set.batches(labels, figures.batches)
        set.seconds(labels, figures.seconds)
        for (const [phase, seconds] of figures.secondsByPhase)
          set.phases({ ...labels, phase }, seconds)
        set.inputRows(labels, figures.inputRows)
        set.dropped(labels, figures.rowsDroppedByWatermark)
        set.rowsPerSecond(labels, figures.rowsPerSecond)
        set.newest(labels, newest.batchDurationMs / 1_000)
        set.stateRows(labels, figures.stateRows)
        set.stateBytes(labels, figures.stateBytes)
        if (newest.watermark !== undefined)
          set.watermark(labels, Date.parse(newest.watermark) / 1_000)
      }
    }
  })
}
