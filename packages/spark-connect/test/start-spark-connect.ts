import { closeSync, openSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type GuardedProcess, startGuarded } from '@kappa/processes/guarded-process'
import { freePorts } from '@kappa/processes/ports'
import { signalProcess } from '@kappa/processes/signal-process'
import { sparkConnectArguments } from '@kappa/replay/launchers/spark-command'
import { connectSpark } from '@kappa/spark-connect/session'
import type { TestStack } from '@kappa/test/stack'

const START_MS_MAX = 120_000
const STOP_MS_MAX = 20_000

export type RunningSpark = {
  address: string
  token: string
  /** Kills the process with SIGKILL and waits until it is gone. */
  kill: () => Promise<void>
  stop: () => Promise<void>
}

/**
 * Starts a real Spark Connect server on a free port with a token and waits until it answers.
 *
 * @param folder work folder: warehouse, local dirs, log
 * @param settings Spark properties on top of the defaults
 */
export async function startSparkConnect(
  stack: TestStack,
  folder: string,
  settings: Record<string, string> = {},
): Promise<RunningSpark> {
  await mkdir(folder, { recursive: true })
  const port = settings['spark.connect.grpc.binding.port'] ?? (await freePorts([0]))[0]
  const token = 'test-token'
  const properties = join(folder, 'spark.properties')
  const all: Record<string, string> = {
    'spark.master': 'local[2]',
    'spark.ui.enabled': 'false',
    'spark.driver.host': '127.0.0.1',
    'spark.driver.bindAddress': '127.0.0.1',
    'spark.connect.grpc.binding.address': '127.0.0.1',
    'spark.connect.grpc.binding.port': String(port),
    'spark.connect.authenticate.token': token,
    'spark.sql.shuffle.partitions': '2',
    'spark.sql.session.timeZone': 'UTC',
    'spark.local.dir': join(folder, 'local'),
    'spark.sql.warehouse.dir': join(folder, 'warehouse'),
    'spark.sql.streaming.noDataProgressEventInterval': '1000',
    ...settings,
  }
  const lines = Object.entries(all).map(([key, value]) => `${key} ${value}\n`)
  await writeFile(properties, lines.join(''))
  const logFile = join(folder, 'spark.log')
  const args = sparkConnectArguments({
    jarsFolder: stack.sparkJarsFolder,
    propertiesFile: properties,
    memory: '1g',
    temporaryFolder: folder,
    archiveFile: stack.sparkArchiveFile,
  })
  const output = openSync(logFile, 'a')
  const spark = await startGuarded(stack.java, args, {
    output,
    cwd: folder,
    env: { SPARK_LOCAL_IP: '127.0.0.1' },
  }).finally(() => closeSync(output))
  const address = `127.0.0.1:${port}`
  const kill = async (): Promise<void> => {
    signalProcess(spark.pid, 'SIGKILL')
    await spark.exited
  }
  try {
    await untilAnswering(address, token, spark)
  } catch (error) {
    await kill()
    const log = await readFile(logFile, 'utf8')
    throw new Error(`Spark Connect did not start:\n${log.slice(-3000)}`, { cause: error })
  }
  return { address, token, kill, stop: () => spark.stop(STOP_MS_MAX) }
}

async function untilAnswering(
  address: string,
  token: string,
  spark: GuardedProcess,
): Promise<void> {
  let ended: string | undefined
  void spark.exited.then((how) => {
    ended = how
  })
  const endsAt = performance.now() + START_MS_MAX
  let last: unknown
  while (performance.now() < endsAt) {
    if (ended !== undefined) throw new Error(`it ${ended}`)
    try {
      const session = await connectSpark({
        address,
        token,
        userId: 'probe',
        requestTimeoutMs: 20_000,
        heartbeatIntervalMs: 0,
      })
      await session.release()
      return
    } catch (error) {
      last = error
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
  throw last
}

/** The `batchTimestampMs` of a batch in a checkpoint's offset log on the local disk. */
export async function batchTimestamp(checkpoint: string, batch: number): Promise<number> {
  const text = await readFile(join(checkpoint, 'offsets', String(batch)), 'utf8')
  const metadata = text.split('\n')[1] ?? ''
  return (JSON.parse(metadata) as { batchTimestampMs: number }).batchTimestampMs
}

/** The batches that a checkpoint on the local disk says are done. */
export async function committedBatches(checkpoint: string): Promise<number[]> {
  const names = await readdir(join(checkpoint, 'commits'))
  return names.filter((name) => /^\d+$/.test(name)).map(Number)
}
