import type { ReleaseRecord } from '@kappa/applications/records'
import type { ClusterLife } from '../clusters/cluster-life.ts'
import type { ReleaseId, Releases } from '../control/releases.ts'
import type { ReplayStatus } from '../replays/replay-schemas.ts'
import type { ApplicationFolders } from '../supervision/application-folders.ts'
import type { Supervisor } from '../supervision/supervisor.ts'
import { describeRelease } from './describe-release.ts'
import type { ApplicationStatus, ReleaseStatus } from './release-status.ts'
import { replayStatusOf } from './replay-status.ts'

/** What is known of applications, releases and replays at this moment, from memory. */
export class Overview {
  readonly releases: Releases
  readonly #folders: ApplicationFolders
  readonly #supervisor: Supervisor

  constructor(releases: Releases, folders: ApplicationFolders, supervisor: Supervisor) {
    this.releases = releases
    this.#folders = folders
    this.#supervisor = supervisor
  }

  applications(): ApplicationStatus[] {
    const known = this.releases.all().map(({ application }) => application)
    return [...new Set([...this.#folders.names(), ...known])].sort().map((application) => ({
      application,
      ...this.#folders.describe(application),
      releases: this.releasesOf(application).filter(({ state }) => !isOver(state)),
    }))
  }

  /** The live one first, then the newest first; all there ever were. */
  releasesOf(application: string): ReleaseStatus[] {
    return this.releases
      .of(application)
      .map((record) => this.release(record))
      .sort((a, b) => Number(b.live) - Number(a.live))
  }

  release(id: ReleaseId): ReleaseStatus {
    const record = this.releases.get(id)
    const runner = this.#supervisor.runner(id)
    return describeRelease(record, {
      isLive: this.releases.isLive(id),
      folderDiffers: this.#folders.differs(record),
      life: runner?.life,
      clusterStarts: runner?.clusterStarts ?? 0,
      positions: this.releases.positions(id),
    })
  }

  /** Of the releases that have a cluster now. */
  lives(): ClusterLife[] {
    return this.releases.all().flatMap((record) => this.#supervisor.runner(record)?.life ?? [])
  }

  replays(application?: string): ReplayStatus[] {
    return this.releases
      .all()
      .filter(
        (record) => record.replay && (application ?? record.application) === record.application,
      )
      .sort((a, b) => (b.replay?.requested_at ?? 0) - (a.replay?.requested_at ?? 0))
      .map((record) => this.replay(record))
  }

  replay(record: ReleaseRecord): ReplayStatus {
    return replayStatusOf(this.releases.get(record), this.#supervisor.runner(record)?.life)
  }

  /** Live releases that have failed: what health is about. */
  reasonAgainstReadiness(): string | undefined {
    const failed = this.applications().flatMap(({ releases }) => {
      const current = releases[0]
      return current?.state === 'failed' ? [current] : []
    })
    if (failed.length === 0) return undefined
    return failed
      .map(({ application, release, cause }) => `${application}/${release} failed: ${cause}`)
      .join('; ')
  }
}

function isOver(state: ReleaseRecord['state']): boolean {
  return state === 'retired' || state === 'cancelled'
}
