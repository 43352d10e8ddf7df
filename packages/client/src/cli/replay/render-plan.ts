import type { ReplayFrom, ReplayPlan } from '../../replay-status.ts'
import { count, countOf, showSeconds } from '../figures.ts'
import { formatTable } from '../table.ts'

/** What a replay reads and how long that takes, in lines. */
export function planText(plan: ReplayPlan): string {
  const { topics, events, events_per_second, estimated_seconds } = plan
  const rows = topics.map(({ topic, events, missing_events, slack_ms }) => [
    topic,
    count(events),
    count(missing_events),
    showSeconds(slack_ms / 1_000),
  ])
  const table = formatTable([['topic', 'events', 'missing', 'slack'], ...rows], {
    right: [1, 2, 3],
  })
  const speed =
    events_per_second === null ? '' : ` at ${count(Math.round(events_per_second))} events/s`
  const time =
    estimated_seconds === null
      ? ': how long that takes is not known before a first replay'
      : `: about ${showSeconds(estimated_seconds)}`
  const held =
    plan.state_rows === null
      ? 'how much the live release holds is not known yet'
      : `the live release holds ${countOf(plan.state_rows, 'row')}`
  const state = `State is kept in ${plan.state_store === 'memory' ? 'memory' : 'RocksDB'}: ${held}.\n`
  const clusters = `${plan.clusters_running} of ${countOf(plan.clusters_max, 'Spark cluster')} running`
  const carried = Object.entries(plan.carry ?? {}).map(
    ([view, { window_ms }]) => `${view} (windows of ${showSeconds(window_ms / 1_000)})`,
  )
  const carry = carried.length === 0 ? '' : `Earlier rows are taken over: ${carried.join(', ')}.\n`
  return `${table}${countOf(events, 'event')}${speed}${time}; ${clusters}.\n${state}${carry}`
}

export function fromText(from: ReplayFrom): string {
  if (from === 'earliest') return 'the earliest event'
  return 'timestamp' in from ? `event time ${from.timestamp}` : 'the offsets that were given'
}
