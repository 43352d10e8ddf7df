import type { ObjectStoreSettings } from '@kappa/service/settings'
import type { Cluster, ClusterLauncher, ClusterSpec } from '../../launchers/launcher.ts'

export interface ReleaseName {
  readonly application: string
  readonly release: number
}

/** A place where a launcher starts real clusters, two at once, and a look at it past the launcher. */
export interface LauncherRig {
  /** Of an instance of replay of its own, before it has taken over. All work at the same place. */
  launcher(): ClusterLauncher
  /** The smallest that Spark is at ease with here. */
  readonly size: Pick<ClusterSpec, 'cores' | 'memory' | 'executors'>
  /** As Spark's processes reach it. */
  readonly objectStore: ObjectStoreSettings
  readonly startTimeoutMs: number
  /** Where the test reaches a cluster, host and port; its own address where that is left out. */
  reach?(cluster: Cluster): Promise<string>
  /** What runs of a release: process ids, UIDs of pods, …; none has the id of an earlier one. */
  running(release: ReleaseName): Promise<readonly string[]>
  /** All that there is of a release, running or not: processes, pods, secrets, files. */
  leftovers(release: ReleaseName): Promise<readonly string[]>
  /** Everything that others on the machine, or who may only look, can read of a release that runs. */
  visible(release: ReleaseName): Promise<string>
  /** Ends the release's cluster as a crash does; need not wait for it. */
  kill(release: ReleaseName): Promise<void>
  /** What comes first when there is not enough for all has the higher number. Left out: nobody can tell. */
  priority?(release: ReleaseName): Promise<number>
  /** A memory with which Spark cannot even start, and what is said of it. Left out: sizes are given. */
  readonly starved?: { readonly memory: string; readonly reason: RegExp }
  close?(): Promise<void>
}
