import type { ReleaseRecord } from '@kappa/applications/records'
import { ServiceError } from '@kappa/service/errors'
import type { ReleaseId, Releases } from '../control/releases.ts'

/** A replay has the name of the release that it builds. */
export function replayIdOf({ application, release }: ReleaseId): string {
  return `${application}-${release}`
}

/** What a line of the log says of the release that it is about. */
export function logFieldsOf({ application, release, replay }: ReleaseRecord) {
  const id = { application, release }
  return replay ? { ...id, replay: replayIdOf(id) } : id
}

/**
 * The release that a replay builds.
 * @throws ServiceError `unknown_replay`
 */
export function findReplay(releases: Releases, id: string): ReleaseRecord {
  const [, application = '', release = ''] = /^(.+)-(\d{1,9})$/.exec(id) ?? []
  const record = releases.find({ application, release: Number(release) })
  if (record?.replay) return record
  const known = releases.all().flatMap((each) => (each.replay ? [replayIdOf(each)] : []))
  throw new ServiceError(
    'unknown_replay',
    `There is no replay "${id.slice(0, 100)}"; known: ${known.slice(-20).join(', ') || 'none'}.`,
  )
}
