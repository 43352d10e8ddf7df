import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { connectSpark } from '@kappa/spark-connect/session'
import type { TestStack } from '@kappa/test/stack'

const START_MS_MAX = 120_000
const STOP_MS_MAX = 20_000

// What Spark's own launcher (JavaModuleOptions) opens for Java 17.
const JAVA_OPTIONS = [
  '-XX:+IgnoreUnrecognizedVMOptions',
  '--add-modules=jdk.incubator.vector',
  ...[
    'java.base/java.lang',
    'java.base/java.lang.invoke',
    'java.base/java.lang.reflect',
    'java.base/java.io',
    'java.base/java.net',
    'java.base/java.nio',
    'java.base/java.util',
    'java.base/java.util.concurrent',
    'java.base/java.util.concurrent.atomic',
    'java.base/jdk.internal.ref',
    'java.base/sun.nio.ch',
    'java.base/sun.nio.cs',
    'java.base/sun.security.action',
    'java.base/sun.util.calendar',
  ].map((name) => `--add-opens=${name}=ALL-UNNAMED`),
  '-Djdk.reflect.useDirectMethodHandle=false',
  '-Dio.netty.tryReflectionSetAccessible=true',
  '-Xmx1g',
]

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
  const port = settings['spark.connect.grpc.binding.port'] ?? (await freePort())
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
  const archive = stack.sparkArchiveFile
  const child = spawn(
    stack.java,
    [
      ...JAVA_OPTIONS,
      ...(archive ? [`-XX:SharedArchiveFile=${archive}`, '-Xshare:auto'] : []),
      '-cp',
      join(stack.sparkJarsFolder, '*'),
      'org.apache.spark.deploy.SparkSubmit',
      '--properties-file',
      properties,
      '--class',
      'org.apache.spark.sql.connect.service.SparkConnectServer',
      'spark-internal',
    ],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, SPARK_LOCAL_IP: '127.0.0.1' },
    },
  )
  const log: string[] = []
  child.stdout.on('data', (data: Buffer) => log.push(data.toString()))
  child.stderr.on('data', (data: Buffer) => log.push(data.toString()))
  const address = `127.0.0.1:${port}`
  try {
    await untilAnswering(address, token, child)
  } catch (error) {
    child.kill('SIGKILL')
    await writeFile(logFile, log.join(''))
    throw new Error(`Spark Connect did not start:\n${log.join('').slice(-3000)}`, { cause: error })
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
      await exited
      clearTimeout(timer)
    }
    await writeFile(logFile, log.join(''))
  }
  return { address, token, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') }
}

async function untilAnswering(address: string, token: string, child: ChildProcess): Promise<void> {
  const endsAt = performance.now() + START_MS_MAX
  let last: unknown
  while (performance.now() < endsAt) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`it exited with ${child.exitCode ?? child.signalCode}`)
    }
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
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
