import type { OffsetsByTopic } from '@kappa/applications/offsets'
import type { ReleaseRecord } from '@kappa/applications/records'
import type { ClusterLife } from '../clusters/cluster-life.ts'
import type { ViewRunner } from '../views/view-runner.ts'
import type { ReplayProgress } from './replay-schemas.ts'

/** How far a replay is: what the view that is behind most has still to read. */
export function progressOf(record: ReleaseRecord, life: ClusterLife): ReplayProgress {
  const starts = record.definition.starts ?? {}
  const views = life.views.map((view) => ({ view, ...readOf(view, starts, life.ends) }))
  const behind = views.toSorted((a, b) => a.total - a.read - (b.total - b.read)).at(-1)
  const { read = 0, total = 0 } = behind ?? {}
  const lag = Math.max(0, total - read)
  const etas = views.map(({ view, read: done, total: all }) => eta(all - done, view))
  return {
    percent: total === 0 ? 100 : Math.floor((1_000 * read) / total) / 10,
    events_read: read,
    events_total: total,
    events_per_second: behind?.view.eventsPerSecond ?? null,
    eta_seconds: etas.includes(null) || etas.length === 0 ? null : Math.max(...(etas as number[])),
    lag_events: lag,
    batches: views.reduce((sum, { view }) => sum + view.position.record.batch + 1, 0),
    state_rows: views.reduce((sum, { view }) => sum + view.stateRows, 0),
    state_bytes: views.reduce((sum, { view }) => sum + view.stateBytes, 0),
    rows_dropped_by_watermark: views.reduce((sum, { view }) => sum + view.rowsDropped, 0),
    partitions: behind ? partitionsOf(behind.view, starts, life.ends) : [],
  }
}

function eta(left: number, view: ViewRunner): number | null {
  if (left <= 0) return 0
  const rate = view.eventsPerSecond
  return rate === undefined || rate <= 0 ? null : Math.ceil(left / rate)
}

function readOf(view: ViewRunner, starts: OffsetsByTopic, ends: OffsetsByTopic) {
  const partitions = partitionsOf(view, starts, ends)
  const sum = (of: (partition: (typeof partitions)[number]) => bigint) =>
    Number(partitions.reduce((total, partition) => total + of(partition), 0n))
  const start = ({ topic, partition }: { topic: string; partition: number }) =>
    BigInt(starts[topic]?.[partition] ?? 0)
  return {
    read: sum((each) => BigInt(each.next_offset) - start(each)),
    total: sum((each) => BigInt(each.end_offset) - start(each)),
  }
}

/** Of the topics that the view reads; before its first batch nobody knows which those are. */
function partitionsOf(view: ViewRunner, starts: OffsetsByTopic, ends: OffsetsByTopic) {
  const { sources } = view.position.record
  const topics = Object.keys(sources).length > 0 ? Object.keys(sources) : Object.keys(ends)
  return topics.flatMap((topic) =>
    Object.entries(ends[topic] ?? {}).map(([partition, end]) => {
      const start = starts[topic]?.[partition] ?? '0'
      const next = sources[topic]?.[partition] ?? start
      // The ends were read a moment ago: a batch may have gone past them.
      const ahead = BigInt(next) > BigInt(end) ? next : end
      return {
        topic,
        partition: Number(partition),
        next_offset: next,
        end_offset: ahead,
        lag_events: Number(BigInt(ahead) - BigInt(next)),
      }
    }),
  )
}
