import { Gauge, type Registry } from '@kappa/service/metrics'
import type { Overview } from './overview.ts'

/** How far replays are, read off their status whenever metrics are asked for. */
export function measureReplays(registry: Registry, overview: Overview): void {
  const labelNames = ['application', 'release'] as const
  const gauge = (name: string, help: string) =>
    new Gauge({ name, help, labelNames, registers: [registry] })
  const rate = gauge('kappa_replay_events_per_second', 'Over the last micro-batches of a replay.')
  const lag = gauge('kappa_replay_lag_events', 'Events that a replay has still to read.')
  const eta = gauge('kappa_replay_eta_seconds', 'Estimated time until a replay has caught up.')
  new Gauge({
    name: 'kappa_replay_progress_ratio',
    help: 'Part of the log that a replay has read, 0 to 1.',
    labelNames,
    registers: [registry],
    collect() {
      for (const each of [this, rate, lag, eta]) each.reset()
      for (const { application, release, progress } of overview.replays()) {
        if (!progress) continue
        const labels = { application, release: String(release) }
        this.set(labels, progress.percent / 100)
        rate.set(labels, progress.events_per_second ?? 0)
        lag.set(labels, progress.lag_events)
        if (progress.eta_seconds !== null) eta.set(labels, progress.eta_seconds)
      }
    },
  })
}
