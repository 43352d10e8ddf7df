import type { ReleaseRecord } from '@kappa/applications/records'
import { formatDuration } from '@kappa/contracts/duration'
import type { ClusterLife } from '../clusters/cluster-life.ts'
import { declaredFor } from '../releases/declared-differences.ts'
import { replayIdOf } from '../replays/replay-id.ts'
import { progressOf } from '../replays/replay-progress.ts'
import type { ReplayStatus } from '../replays/replay-schemas.ts'

/** A replay as the API shows it. @param life while the release has a cluster */
export function replayStatusOf(record: ReleaseRecord, life: ClusterLife | undefined): ReplayStatus {
  const { application, release, replay } = record
  if (!replay) throw new Error(`Release ${release} of ${application} was not made by a replay.`)
  const { expected, unsettledRowsMax } = declaredFor(record)
  return structuredClone({
    id: replayIdOf(record),
    application,
    release,
    replaces: replay.replaces,
    state: record.state,
    cause: record.cause ?? null,
    note: record.note?.text ?? null,
    requested_at: new Date(replay.requested_at).toISOString(),
    updated_at: new Date(record.updated_at).toISOString(),
    request: {
      from: replay.from,
      carry: replay.carry,
      accept_partial: replay.accept_partial,
      promote: replay.promote,
      expected,
      unsettled_rows_max: unsettledRowsMax,
      events_per_second_max: replay.events_per_second_max ?? null,
      keep_warm_for: formatDuration(replay.standby_ms),
      retain_for: formatDuration(replay.retain_ms),
    },
    plan: replay.plan ?? null,
    progress: life && life.views.length > 0 ? progressOf(record, life) : null,
    comparison: replay.comparison ?? null,
  }) as ReplayStatus
}
