import type { KafkaAdmin } from '@kappa/kafka/port'
import type { ObjectStore } from '../object-store.ts'
import type { ReleaseName } from './release-names.ts'

/** What a release has in Redis. */
export interface Rows {
  /** @returns how many keys it removed */
  removeRows(
    application: string,
    release: number,
    options: { signal?: AbortSignal; onRemoved?: (keys: number) => void },
  ): Promise<number>
  releasesWithRows(signal?: AbortSignal): Promise<readonly ReleaseName[]>
}

/** Where releases have what they have. */
export interface RemovalParts {
  readonly namespace: string
  readonly admin: Pick<KafkaAdmin, 'deleteTopics' | 'deleteGroup' | 'listTopics' | 'listGroups'>
  readonly store: Pick<ObjectStore, 'deletePrefix' | 'listFolders' | 'holdsAny'>
  readonly rows: Rows
}
