import { releaseKey } from '@kappa/applications/records'
import { releaseFolder } from '../releases/release-folder.ts'
import { type Orphan, ownersOf, type ReleasesNow } from './find-orphans.ts'
import {
  parseChangelogTopic,
  parseReleasePath,
  parseResultsGroup,
  type ReleaseName,
} from './release-names.ts'
import type { RemovalParts } from './removal-parts.ts'

export interface KeptOrphan {
  readonly orphan: Orphan
  readonly reason: string
}

export interface OrphanRemoval {
  readonly removed: readonly Orphan[]
  readonly kept: readonly KeptOrphan[]
}

const topicMsMax = 60_000

/**
 * Removes exactly what is listed. Each is held against its own name and against the control log
 * right before; what fails is kept, with the reason, and the others go on.
 *
 * @throws what `releases` throws: nothing more is removed once it cannot be said who owns what
 */
export async function removeOrphans(
  parts: RemovalParts,
  orphans: readonly Orphan[],
  releases: ReleasesNow,
  signal?: AbortSignal,
): Promise<OrphanRemoval> {
  const removed: Orphan[] = []
  const kept: KeptOrphan[] = []
  for (const orphan of orphans) {
    signal?.throwIfAborted()
    const objection = objectionTo(parts.namespace, orphan, await ownersOf(releases))
    const failure = objection ?? (await remove(parts, orphan, signal))
    if (failure === undefined) removed.push(orphan)
    else kept.push({ orphan, reason: failure })
  }
  return { removed, kept }
}

function objectionTo(
  namespace: string,
  orphan: Orphan,
  owners: ReadonlySet<string>,
): string | undefined {
  const owner = ownerByName(namespace, orphan)
  const key = releaseKey(orphan.application, orphan.release)
  if (owner === undefined || releaseKey(owner.application, owner.release) !== key) {
    return `"${orphan.name}" is not the name of ${orphan.kind} of ${key} of this installation`
  }
  return owners.has(key) ? `${key} is a release of the control log` : undefined
}

/** The orphan may come from outside: what is deleted goes by its name, so the name decides. */
function ownerByName(namespace: string, { kind, name }: Orphan): ReleaseName | undefined {
  if (kind === 'topic') return parseChangelogTopic(namespace, name)
  if (kind === 'group') return parseResultsGroup(namespace, name)
  if (kind === 'rows') return parseReleasePath(name)
  const owner = parseReleasePath(name.slice(`${kind}/`.length, -1))
  return owner && releaseFolder(kind, owner.application, owner.release) === name ? owner : undefined
}

/** @returns why it is still there; undefined when it is gone */
async function remove(
  { admin, store, rows }: RemovalParts,
  { kind, name, application, release }: Orphan,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const options = signal === undefined ? {} : { signal }
  try {
    if (kind === 'topic') await admin.deleteTopics([name], topicMsMax)
    else if (kind === 'group') await admin.deleteGroup(name)
    else if (kind === 'rows') await rows.removeRows(application, release, options)
    else await store.deletePrefix(name, options)
    return undefined
  } catch (error) {
    signal?.throwIfAborted()
    return error instanceof Error ? error.message : String(error)
  }
}
