import { Gauge, type Registry } from '@kappa/service/metrics'
import type { Overview } from './overview.ts'

/** Gauges that are read off the status whenever metrics are asked for. */
export function measureReleases(registry: Registry, overview: Overview): void {
  const labelNames = ['application', 'release', 'view'] as const
  const gauge = (name: string, help: string) =>
    new Gauge({ name, help, labelNames, registers: [registry] })
  const lag = gauge('kappa_view_lag_events', 'Events of the log that a view does not cover yet.')
  const batch = gauge('kappa_view_batch', 'Number of the last committed micro-batch.')
  const batchMs = gauge('kappa_view_batch_duration_ms', 'Duration of the last micro-batch.')
  const late = gauge('kappa_view_late_events', 'Events that were refused as late or early.')
  const undecodable = gauge(
    'kappa_view_undecodable_events',
    'Records that no contract could decode.',
  )
  const dropped = gauge('kappa_view_rows_dropped_by_watermark', 'Above 0 the view is incomplete.')
  new Gauge({
    name: 'kappa_release_state',
    help: '1 for the state that a release is in.',
    labelNames: ['application', 'release', 'state'],
    registers: [registry],
    collect() {
      this.reset()
      const applications = overview.applications()
      for (const { application, release, state, views } of applications.flatMap(
        ({ releases }) => releases,
      )) {
        this.set({ application, release: String(release), state }, 1)
        for (const view of views) {
          const labels = { application, release: String(release), view: view.view }
          if (view.lag_events !== null) lag.set(labels, view.lag_events)
          batch.set(labels, view.position.batch)
          batchMs.set(labels, view.batch_ms ?? 0)
          late.set(labels, view.position.late_events)
          undecodable.set(labels, view.position.undecodable_events)
          dropped.set(labels, view.rows_dropped_by_watermark)
        }
      }
    },
  })
}
