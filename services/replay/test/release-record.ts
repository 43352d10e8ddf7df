import type { ReleaseRecord } from '@kappa/applications/records'

/** A release of an application without views, just asked for. */
export function releaseRecord(
  id: Pick<ReleaseRecord, 'application' | 'release' | 'epoch'>,
): ReleaseRecord {
  return {
    ...id,
    state: 'requested',
    updated_at: 1,
    definition: {
      application: id.application,
      description: '',
      streams: {},
      datasets: {},
      views: {},
      spark: { cores: 1, memory: '1g', shufflePartitions: 1 },
      changelog: { partitions: 1 },
      sources: {},
      pinned: {},
    },
  }
}
