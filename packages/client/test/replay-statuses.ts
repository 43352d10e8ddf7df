import type { Comparison, ViewComparison } from '../src/comparison.ts'
import type { ReplayPlan, ReplayProgress, ReplayStatus } from '../src/replay-status.ts'

/** 2026-01-31 12:00:00 UTC. */
export const noonMs = 1_769_860_800_000

/** The second release of `flights` on its way, and what the test changes. */
export function replayStatus(changes: Partial<ReplayStatus> = {}): ReplayStatus {
  const { application = 'flights', release = 2 } = changes
  return {
    id: `${application}-${release}`,
    application,
    release,
    replaces: 1,
    state: 'catching_up',
    cause: null,
    note: null,
    requested_at: '2026-01-31T12:00:00.000Z',
    updated_at: '2026-01-31T12:00:10.000Z',
    request: {
      from: 'earliest',
      carry: false,
      accept_partial: false,
      promote: 'manual',
      expected: {},
      unsettled_rows_max: 0,
      events_per_second_max: null,
      keep_warm_for: '1 hour',
      retain_for: '7 days',
    },
    plan: null,
    progress: null,
    comparison: null,
    ...changes,
  }
}

export function replayProgress(changes: Partial<ReplayProgress> = {}): ReplayProgress {
  return {
    percent: 42.9,
    events_read: 1_287_000,
    events_total: 3_000_000,
    events_per_second: 102_345.6,
    eta_seconds: 16.7,
    lag_events: 1_713_000,
    batches: 12,
    state_rows: 900,
    state_bytes: 120_000,
    rows_dropped_by_watermark: 0,
    partitions: [],
    ...changes,
  }
}

export function viewComparison(changes: Partial<ViewComparison> = {}): ViewComparison {
  return {
    view: 'carrier_hours',
    verdict: 'equal',
    equal: 1_200,
    changed: 0,
    only_old: 0,
    only_new: 0,
    unsettled: 0,
    expected: 0,
    unexplained: 0,
    changed_by_column: {},
    schema_changes: [],
    samples: [],
    ...changes,
  }
}

export function comparison(
  verdict: Comparison['verdict'],
  views: readonly ViewComparison[] = [viewComparison()],
): Comparison {
  return { with_release: 1, compared_at: noonMs, verdict, views }
}

export const replayPlan: ReplayPlan = {
  starts: { 'flights.departures': { 0: '0' } },
  ends: { 'flights.departures': { 0: '2000000' } },
  topics: [
    {
      topic: 'flights.departures',
      streams: ['departures'],
      events: 2_000_000,
      missing_events: 0,
      slack_ms: 900_000,
    },
    {
      topic: 'flights.arrivals',
      streams: ['arrivals'],
      events: 1_000_000,
      missing_events: 12,
      slack_ms: 0,
    },
  ],
  events: 3_000_000,
  events_per_second: 100_000,
  estimated_seconds: 30,
  state_rows: 12_000,
  state_store: 'memory',
  clusters_running: 1,
  clusters_max: 4,
  planned_at: noonMs,
}
