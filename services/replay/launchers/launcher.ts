/** What a release needs of the place where its Spark cluster runs. */
export interface ClusterSpec {
  readonly application: string
  readonly release: number
  /** Of one executor. */
  readonly cores: number
  /** JVM heap of one executor, for example `1536m`. */
  readonly memory: string
  readonly executors: number
  /** More than `executors`: a launcher that can lets the cluster grow to so many. */
  readonly executorsMax?: number
  /** Clusters of replays give way to those of live releases. */
  readonly priority?: 'live' | 'replay'
  /** Spark's own configuration; may hold secrets, so it is never logged. */
  readonly sparkConf: Readonly<Record<string, string>>
  /** Texts by the file's name, for the cluster's processes only: see `Cluster.secretsFolder`. */
  readonly secretFiles?: Readonly<Record<string, string>>
  /** Java's system properties of every process of the cluster. */
  readonly systemProperties?: Readonly<Record<string, string>>
}

export interface Cluster {
  /** Host and port of Spark Connect. */
  readonly address: string
  readonly token: string
  /** Where the cluster's processes find the secret files, an absolute path. */
  readonly secretsFolder: string
  /** UUID, new with every start: the id of the one session that its queries run in. */
  readonly instance: string
  /**
   * What of the spec's `sparkConf` was not given to Spark when it started, for the session of its
   * queries to be given. May hold secrets, so it is never logged.
   */
  readonly sessionConf?: Readonly<Record<string, string>>
  /** Resolves with the reason, in words, once the cluster is gone, whoever ended it. */
  readonly gone: Promise<string>
  /** What keeps it from working as it should, now or a moment ago, in words. */
  problems?(): string[]
  /** Resolves when the cluster is proven gone. Idempotent. */
  stop(): Promise<void>
}

/** Starts one Spark cluster for each release. */
export interface ClusterLauncher {
  /**
   * Ends every cluster that an instance of an older epoch has left, and from then on refuses what
   * such an instance asks for. To be called once, before anything is started.
   * @throws ClusterError when an instance of a newer epoch is at work, or a process does not end
   */
  takeOver(epoch: number): Promise<void>
  /**
   * Starts the cluster and waits until Spark Connect listens. What an earlier process of the same
   * release left running is ended first, because two clusters must never write one checkpoint.
   * @throws ClusterError with the end of Spark's log when it ends or does not listen in time,
   *   when the signal aborts, or when an instance of a newer epoch has taken over; nothing is left
   *   running then.
   */
  start(spec: ClusterSpec, options: { timeoutMs: number; signal: AbortSignal }): Promise<Cluster>
  /** Deletes what stopped clusters of a release have left. Idempotent. */
  remove(release: { application: string; release: number }): Promise<void>
  /** Lets go of what it holds; clusters run on. */
  close?(): Promise<void>
}

export class ClusterError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'ClusterError'
  }
}
