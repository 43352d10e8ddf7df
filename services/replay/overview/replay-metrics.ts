import { gauge, type Registry, readMetrics } from '@kappa/service/metrics'
import type { Overview } from './overview.ts'

const release = ['application', 'release'] as const

const metrics = {
  progress: gauge(
    'kappa_replay_progress_ratio',
    'Part of the log that a replay has read, 0 to 1.',
    release,
  ),
  read: gauge('kappa_replay_read_events', 'Events that a replay has read.', release),
  lag: gauge('kappa_replay_lag_events', 'Events that a replay has still to read.', release),
  rate: gauge(
    'kappa_replay_events_per_second',
    'Events that a replay has read over its last micro-batches, by their duration.',
    release,
  ),
  eta: gauge(
    'kappa_replay_eta_seconds',
    'Estimated time until a replay has caught up; none while there is no rate.',
    release,
  ),
  verdict: gauge('kappa_replay_verdict', 'What the comparison has found; always 1.', [
    ...release,
    'verdict',
  ]),
}

/** How far replays are, read off their status. */
export function measureReplays(registry: Registry, overview: Overview): void {
  readMetrics(registry, metrics, (set) => {
    for (const { application, release: number, progress, comparison } of overview.replays()) {
      const labels = { application, release: number }
      // Releases that are over have none.
      if (!progress) continue
      if (comparison) set.verdict({ ...labels, verdict: comparison.verdict }, 1)
      set.progress(labels, progress.percent / 100)
      set.read(labels, progress.events_read)
      set.lag(labels, progress.lag_events)
      set.rate(labels, progress.events_per_second ?? 0)
      if (progress.eta_seconds !== null) set.eta(labels, progress.eta_seconds)
    }
  })
}
