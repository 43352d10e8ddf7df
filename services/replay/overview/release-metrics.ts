import { counter, gauge, type Registry, readMetrics } from '@kappa/service/metrics'
import type { ViewStatus } from '../views/view-status.ts'
import type { Overview } from './overview.ts'
import type { ReleaseStatus } from './release-status.ts'

const release = ['application', 'release'] as const
const view = [...release, 'view'] as const
const partition = [...view, 'topic', 'partition'] as const

const releaseMetrics = {
  state: gauge('kappa_release_state', 'The state that a release is in; always 1.', [
    ...release,
    'state',
  ]),
  since: gauge(
    'kappa_release_state_timestamp_seconds',
    'When a release came into its state, Unix time.',
    release,
  ),
  live: gauge('kappa_release_live', 'Whether readers get the rows of a release: 1 or 0.', release),
  switching: gauge(
    'kappa_release_switching',
    'Whether a release was asked to become live, and may still: 1 or 0.',
    release,
  ),
  clusterStarts: counter(
    'kappa_release_cluster_starts_total',
    'How often the Spark cluster of a release was started by this instance.',
    release,
  ),
}

const viewMetrics = {
  state: gauge('kappa_view_state', 'The state that the query of a view is in; always 1.', [
    ...view,
    'state',
  ]),
  complete: gauge(
    'kappa_view_complete',
    'Whether the rows of a view hold every event that they should: 1 or 0.',
    view,
  ),
  lag: gauge('kappa_view_lag_events', 'Events of the log that a view does not cover yet.', view),
  freshness: gauge(
    'kappa_view_freshness_seconds',
    'Every event that was in the log longer ago than this is covered by what Spark has written.',
    view,
  ),
  batch: gauge('kappa_view_batch', 'Number of the last committed micro-batch.', view),
  position: gauge(
    'kappa_view_position_offset',
    'Next offset of the log that a view has not covered.',
    partition,
  ),
  late: counter('kappa_view_late_events_total', 'Events that were refused as late or early.', view),
  undecodable: counter(
    'kappa_view_undecodable_events_total',
    'Records that no contract could decode.',
    view,
  ),
  failures: gauge(
    'kappa_view_failures_in_a_row',
    'How often the query of a view has failed since it finished a batch.',
    view,
  ),
}

/** Releases that are not over, and their views, read off their status. */
export function measureReleases(registry: Registry, overview: Overview): void {
  const releases = () => overview.applications().flatMap((application) => application.releases)
  readMetrics(registry, releaseMetrics, (set) => {
    for (const status of releases()) {
      const labels = labelsOf(status)
      set.state({ ...labels, state: status.state }, 1)
      set.since(labels, Date.parse(status.updated_at) / 1_000)
      set.live(labels, status.live ? 1 : 0)
      set.switching(labels, status.switching ? 1 : 0)
      if (status.cluster) set.clusterStarts(labels, status.cluster.starts)
    }
  })
  readMetrics(registry, viewMetrics, (set) => {
    for (const status of releases()) {
      for (const each of status.views) {
        const labels = { ...labelsOf(status), view: each.view }
        const { position } = each
        set.state({ ...labels, state: each.state }, 1)
        set.complete(labels, position.complete ? 1 : 0)
        set.batch(labels, position.batch)
        set.late(labels, position.late_events)
        set.undecodable(labels, position.undecodable_events)
        // Nobody reads for a release without a cluster: it has no lag, and no freshness to speak of.
        if (each.lag_events === null) continue
        set.lag(labels, each.lag_events)
        set.failures(labels, each.failures_in_a_row)
        if (position.current_at > 0) set.freshness(labels, secondsSince(position.current_at))
        for (const place of placesOf(position.sources)) {
          const { offset, ...where } = place
          set.position({ ...labels, ...where }, offset)
        }
      }
    }
  })
}

function labelsOf({
  application,
  release: number,
}: Pick<ReleaseStatus, 'application' | 'release'>) {
  return { application, release: String(number) }
}

function* placesOf(sources: ViewStatus['position']['sources']) {
  for (const [topic, offsets] of Object.entries(sources)) {
    for (const [at, offset] of Object.entries(offsets))
      yield { topic, partition: at, offset: Number(offset) }
  }
}

function secondsSince(epochMs: number): number {
  return Math.max(0, Date.now() - epochMs) / 1_000
}
