import { Counter, Gauge, Histogram, type Registry } from '@kappa/service/metrics'

const view = ['application', 'release', 'view'] as const

/** What results counts as it goes; `results-readings.ts` has what is read off when it is asked for. */
export function createResultsMetrics(registry: Registry) {
  const registers = [registry]
  const counter = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Counter({ name, help, labelNames: [...labelNames], registers })
  const ofViews = {
    applied: counter(
      'kappa_results_applied_records_total',
      'Changelog records applied to Redis.',
      view,
    ),
    outdated: counter(
      'kappa_results_outdated_records_total',
      'Changelog records of an older batch than the row that is there; they changed nothing.',
      view,
    ),
    dropped: counter(
      'kappa_results_dropped_rows_total',
      'Rows older than their view retains that were removed from Redis.',
      view,
    ),
    rebuilds: counter(
      'kappa_results_rebuilds_total',
      'Times that Redis had less of a view than was seen before.',
      view,
    ),
  }
  const refusedApplies = counter(
    'kappa_results_refused_applies_total',
    'Lua calls that changed nothing: fenced (newer owner), elsewhere (other offset), lost (Redis lost data).',
    [...view, 'outcome'],
  )
  return {
    ...ofViews,
    refusedApplies,
    applySeconds: new Histogram({
      name: 'kappa_results_apply_duration_seconds',
      help: 'Time from having records of a changelog partition to having applied them.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    assignments: counter(
      'kappa_results_assignments_total',
      'Times that Kafka has told this instance which partitions of the changelogs of a release it applies.',
    ),
    refusedPositions: counter(
      'kappa_results_refused_positions_total',
      'Positions older than the newest one known.',
    ),
    redisErrors: counter(
      'kappa_results_redis_errors_total',
      'Commands and connections to Redis that failed.',
    ),
    unusableControlRecords: counter(
      'kappa_results_unusable_control_records_total',
      'Records of the control topics that could not be read.',
    ),
    followers: new Gauge({
      name: 'kappa_results_followers',
      help: 'Clients that follow a view.',
      labelNames: ['application', 'view'],
      registers,
    }),
    /** To be called when a release is loaded no more: it has no series then. */
    forget(labels: ViewLabels): void {
      for (const metric of Object.values(ofViews)) metric.remove(labels)
      for (const outcome of ['fenced', 'elsewhere', 'lost'])
        refusedApplies.remove({ ...labels, outcome })
    },
  }
}

export type ResultsMetrics = ReturnType<typeof createResultsMetrics>

type ViewLabels = ReturnType<typeof labelsOf>

export function labelsOf(of: { application: string; release: number; name: string }) {
  return { application: of.application, release: of.release, view: of.name }
}
