import { undecodableEventsMaxByDefault } from '@kappa/applications/definition'
import type { PositionRecord, ReleaseDefinition, ReleaseRecord } from '@kappa/applications/records'
import type { ClusterLife } from '../clusters/cluster-life.ts'
import { stoppedView, type ViewStatus } from '../views/view-status.ts'
import type { ReleaseStatus } from './release-status.ts'

/** A release as the API shows it. @param life while it has a cluster */
export function describeRelease(
  record: ReleaseRecord,
  about: {
    readonly isLive: boolean
    readonly folderDiffers: boolean
    readonly life: ClusterLife | undefined
    readonly clusterStarts: number
    /** By view, as the control log has them. */
    readonly positions: Readonly<Record<string, PositionRecord | undefined>>
  },
): ReleaseStatus {
  const { application, release, state, cause, created_at, updated_at, keep_until } = record
  const { life, clusterStarts } = about
  const time = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString())
  return {
    application,
    release,
    state,
    live: about.isLive,
    cause: cause ?? null,
    switching: record.switching !== undefined,
    note: record.note?.text ?? null,
    created_at: time(created_at),
    updated_at: new Date(updated_at).toISOString(),
    keep_until: time(keep_until),
    replay: record.replay ? `${application}-${release}` : null,
    folder_differs: about.folderDiffers,
    cluster: life ? clusterStatus(life, clusterStarts) : null,
    streams: streamStatuses(record.definition),
    views: life ? runningViews(life) : stoppedViews(record, about.positions),
  }
}

function clusterStatus({ cluster }: ClusterLife, starts: number) {
  return { address: cluster.address, starts, problems: cluster.problems?.() ?? [] }
}

function runningViews({ views, ends }: ClusterLife): ViewStatus[] {
  return views.map((runner) => runner.status(runner.position.lag(ends)))
}

function stoppedViews(
  { definition }: ReleaseRecord,
  positions: Readonly<Record<string, PositionRecord | undefined>>,
): ViewStatus[] {
  return Object.entries(definition.views).flatMap(([name, view]) => {
    const position = positions[name]
    return position ? [stoppedView(view, position)] : []
  })
}

function streamStatuses({ sources, streams }: ReleaseDefinition) {
  return Object.values(sources).map(({ name, topic, versions, undecodableVersions = [] }) => ({
    stream: name,
    topic,
    schema_ids: versions.map(({ schemaId }) => schemaId),
    undecodable_versions: undecodableVersions.map(({ version, schemaId, reason }) => ({
      version,
      schema_id: schemaId,
      reason,
    })),
    undecodable_events_max: streams[name]?.undecodableEventsMax ?? undecodableEventsMaxByDefault,
  }))
}
