import type { ReleaseRecord } from '@kappa/applications/records'

/**
 * Whether a release is being built beside the live one: it reads the log in bounded micro-batches,
 * on a cluster of the replay's size and priority. After that it runs as a live release does.
 */
export function isBuilding({ replay }: ReleaseRecord): boolean {
  return replay !== undefined && replay.built !== true
}
