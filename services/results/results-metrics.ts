import { Counter, Gauge, type Registry } from '@kappa/service/metrics'

const labels = ['application', 'release', 'view'] as const

interface MeasuredView {
  readonly application: string
  readonly release: number
  readonly name: string
  /** Partitions. */
  readonly frozen: number
  declared(): { readonly record: { readonly current_at: number } } | undefined
}

interface Loaded {
  views(): Iterable<MeasuredView>
  /** One for each release. */
  states(): Iterable<{ application: string; state: string }>
}

/** What an operator watches of results: is everything applied, how fresh is it, what was refused. */
export function createResultsMetrics(
  registry: Registry,
  loaded: () => Loaded,
  refused: () => Iterable<{ application: string; release: number }>,
) {
  const registers = [registry]
  const counter = (name: string, help: string) =>
    new Counter({ name, help, labelNames: [...labels], registers })
  const metrics = {
    applied: counter('kappa_results_applied_records_total', 'Changelog records applied to Redis.'),
    outdated: counter(
      'kappa_results_outdated_records_total',
      'Changelog records of an older batch than the row that is there; they changed nothing.',
    ),
    dropped: counter(
      'kappa_results_dropped_rows_total',
      'Rows older than their view retains that were removed from Redis.',
    ),
    refusedApplies: new Counter({
      name: 'kappa_results_refused_applies_total',
      help: 'Lua calls that changed nothing: fenced (newer owner), elsewhere (other offset), lost (Redis lost data).',
      labelNames: [...labels, 'outcome'],
      registers,
    }),
    rebuilds: counter(
      'kappa_results_rebuilds_total',
      'Times that Redis had less of a view than was seen before.',
    ),
    refusedPositions: counter(
      'kappa_results_refused_positions_total',
      'Positions older than the newest one known.',
    ),
    redisErrors: new Counter({
      name: 'kappa_results_redis_errors_total',
      help: 'Commands and connections to Redis that failed.',
      registers,
    }),
    unusableControlRecords: new Counter({
      name: 'kappa_results_unusable_control_records_total',
      help: 'Records of the control topics that could not be read.',
      registers,
    }),
    lag: new Gauge({
      name: 'kappa_results_changelog_lag_records',
      help: 'Offsets between what is applied and the end of the changelog, over all partitions.',
      labelNames: [...labels],
      registers,
    }),
    followers: new Gauge({
      name: 'kappa_results_followers',
      help: 'Clients that follow a view.',
      labelNames: ['application', 'view'],
      registers,
    }),
    frozen: new Gauge({
      name: 'kappa_results_frozen_partitions',
      help: 'Partitions that take no changes while replay switches the live release.',
      labelNames: [...labels],
      registers,
      collect() {
        this.reset()
        for (const view of loaded().views()) this.set(labelsOf(view), view.frozen)
      },
    }),
    releases: new Gauge({
      name: 'kappa_results_loaded_releases',
      help: 'Releases whose rows this instance keeps in Redis, by their state.',
      labelNames: ['application', 'state'],
      registers,
      collect() {
        this.reset()
        for (const state of loaded().states()) this.inc(state)
      },
    }),
    refusedReleases: new Gauge({
      name: 'kappa_results_refused_releases',
      help: 'Releases that are not live and have no rows in Redis, because it is nearly full.',
      labelNames: ['application', 'release'],
      registers,
      collect() {
        this.reset()
        for (const { application, release } of refused()) this.set({ application, release }, 1)
      },
    }),
    freshness: new Gauge({
      name: 'kappa_results_freshness_seconds',
      help: 'Every event accepted longer ago than this is in the rows of the view.',
      labelNames: [...labels],
      registers,
      collect() {
        this.reset()
        for (const view of loaded().views()) {
          const currentAt = view.declared()?.record.current_at
          if (currentAt === undefined) continue
          this.set(labelsOf(view), Math.max(0, Date.now() - currentAt) / 1_000)
        }
      },
    }),
  }
  return metrics
}

export type ResultsMetrics = ReturnType<typeof createResultsMetrics>

export function labelsOf(view: { application: string; release: number; name: string }) {
  return { application: view.application, release: view.release, view: view.name }
}
