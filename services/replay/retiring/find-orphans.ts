import { type ReleaseRecord, releaseKey } from '@kappa/applications/records'
import { releaseFolder, releaseFolderKinds } from '../releases/release-folder.ts'
import {
  parseChangelogTopic,
  parseReleasePath,
  parseResultsGroup,
  type ReleaseName,
} from './release-names.ts'
import type { RemovalParts } from './removal-parts.ts'

/** Something of this installation that belongs to no release of the control log. */
export interface Orphan extends ReleaseName {
  readonly kind: 'topic' | 'group' | 'checkpoints' | 'datasets' | 'rows'
  /** Topic, group, folder in the object store; for rows `<application>/<release>`. */
  readonly name: string
}

/**
 * The releases of the control log as of the call; never as they were earlier, because a release that
 * came meanwhile would pass for one that is not there. Rejects when that cannot be said.
 */
export type ReleasesNow = () => Iterable<ReleaseRecord> | Promise<Iterable<ReleaseRecord>>

/**
 * Looks through Kafka, the object store and Redis for what belongs to no release, or to one whose
 * removal is done. What cannot be told by its name is not ours, and is left out.
 */
export async function findOrphans(
  parts: RemovalParts,
  releases: ReleasesNow,
  signal?: AbortSignal,
): Promise<Orphan[]> {
  const found = await listAll(parts, signal)
  // Read last: whatever was listed of a release was made after its record was written.
  const owners = await ownersOf(releases)
  return found
    .filter((orphan) => !owners.has(releaseKey(orphan.application, orphan.release)))
    .sort(
      (a, b) =>
        a.application.localeCompare(b.application) ||
        a.release - b.release ||
        a.kind.localeCompare(b.kind) ||
        a.name.localeCompare(b.name),
    )
}

/** Keys of the releases that have something, or may have. */
export async function ownersOf(releases: ReleasesNow): Promise<ReadonlySet<string>> {
  const owners = new Set<string>()
  for (const { application, release, removed } of await releases()) {
    if (removed !== true) owners.add(releaseKey(application, release))
  }
  return owners
}

async function listAll(parts: RemovalParts, signal: AbortSignal | undefined): Promise<Orphan[]> {
  const { namespace, admin, rows } = parts
  const [topics, groups, folders, withRows] = await Promise.all([
    admin.listTopics(),
    admin.listGroups(),
    listReleaseFolders(parts.store, signal),
    rows.releasesWithRows(signal),
  ])
  return [
    ...topics.flatMap((name) => orphan('topic', name, parseChangelogTopic(namespace, name))),
    ...groups.flatMap((name) => orphan('group', name, parseResultsGroup(namespace, name))),
    ...folders,
    ...withRows.flatMap(({ application, release }) => {
      const name = releaseKey(application, release)
      return orphan('rows', name, parseReleasePath(name))
    }),
  ]
}

function orphan(kind: Orphan['kind'], name: string, owner: ReleaseName | undefined): Orphan[] {
  return owner === undefined ? [] : [{ kind, name, ...owner }]
}

async function listReleaseFolders(
  store: RemovalParts['store'],
  signal: AbortSignal | undefined,
): Promise<Orphan[]> {
  const found: Orphan[] = []
  for (const kind of releaseFolderKinds) {
    for (const application of await store.listFolders(`${kind}/`, signal)) {
      for (const release of await store.listFolders(`${kind}/${application}/`, signal)) {
        const owner = parseReleasePath(`${application}/${release}`)
        if (!owner) continue
        const name = releaseFolder(kind, owner.application, owner.release)
        if (await store.holdsAny(name, signal)) found.push({ kind, name, ...owner })
      }
    }
  }
  return found
}
