import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SparkSize } from '@kappa/applications/definition'
import { LocalLauncher } from '@kappa/replay/launchers/local/local-launcher'
import { ObjectStore } from '@kappa/replay/object-store'
import { sparkConf } from '@kappa/replay/spark/spark-conf'
import { connectSpark, type SparkSession } from '@kappa/spark-connect/session'
import type { Bench } from './bench-stack.ts'

const START_TIMEOUT_MS = 120_000
const STOP_TIMEOUT_MS = 10_000
const POLLING_DELAY_MS = 250

/** One Spark as replay starts it, without replay. */
export interface BenchSpark {
  readonly store: ObjectStore
  connect(): Promise<SparkSession>
  /** Lets go of the sessions first. */
  stop(): Promise<void>
}

/** @param name of its folder, its checkpoints and its user; so far no other has it */
export async function startBenchSpark(
  { stack, folder }: Bench,
  name: string,
  size: SparkSize,
): Promise<BenchSpark> {
  const credentials = JSON.parse(readFileSync(stack.s3.credentialsFile, 'utf8'))
  const storeSettings = { ...stack.s3, ...credentials }
  const store = new ObjectStore(storeSettings, name)
  const launcher = new LocalLauncher({
    java: stack.java,
    jarsFolder: stack.sparkJarsFolder,
    workFolder: join(folder, 'spark-runs'),
    archiveFile: stack.sparkArchiveFile,
    stopTimeoutMs: STOP_TIMEOUT_MS,
  })
  const cluster = await launcher.start(
    {
      application: name,
      release: 1,
      cores: size.cores,
      memory: size.memory,
      executors: size.executors ?? 1,
      sparkConf: sparkConf(size, 'memory', storeSettings, POLLING_DELAY_MS),
    },
    { timeoutMs: START_TIMEOUT_MS, signal: new AbortController().signal },
  )
  const sessions: SparkSession[] = []
  return {
    store,
    async connect() {
      const { address, token } = cluster
      const session = await connectSpark({ address, token, userId: name })
      sessions.push(session)
      return session
    },
    async stop() {
      for (const session of sessions) session.detach()
      store.close()
      await cluster.stop()
    },
  }
}
