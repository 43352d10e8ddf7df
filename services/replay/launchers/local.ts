import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from './free-ports.ts'
import { type Cluster, ClusterError, type ClusterLauncher, type ClusterSpec } from './launcher.ts'
import { findProcess, forgetProcess, identifyProcess, saveProcess } from './process-record.ts'
import { sparkConnectArguments } from './spark-command.ts'

export interface LocalLauncherSettings {
  readonly java: string
  readonly jarsFolder: string
  /** Holds a folder a release: properties, log, scratch space, the process's record. */
  readonly workFolder: string
  readonly archiveFile?: string
  readonly stopTimeoutMs: number
}

const guard = join(import.meta.dirname, 'process-guard.sh')
const logConfiguration = join(import.meta.dirname, 'spark-log4j2.properties')
const pollMs = 50

/** Runs each release's Spark as one child process on loopback, driver and executors in one JVM. */
export class LocalLauncher implements ClusterLauncher {
  readonly #settings: LocalLauncherSettings

  constructor(settings: LocalLauncherSettings) {
    this.#settings = settings
  }

  async start(
    spec: ClusterSpec,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  ): Promise<Cluster> {
    const folder = join(this.#settings.workFolder, `${spec.application}-${spec.release}`)
    const temporaryFolder = join(folder, 'tmp')
    const processFile = join(folder, 'spark.pid')
    await this.#endLeftover(processFile)
    rmSync(temporaryFolder, { recursive: true, force: true })
    mkdirSync(temporaryFolder, { recursive: true, mode: 0o700 })

    const [port] = (await freePorts(1)) as [number]
    const token = randomBytes(32).toString('base64url')
    const propertiesFile = join(folder, 'spark.properties')
    const conf = {
      ...spec.sparkConf,
      'spark.master': `local[${spec.cores}]`,
      'spark.app.name': `${spec.application}-${spec.release}`,
      'spark.driver.host': '127.0.0.1',
      'spark.driver.bindAddress': '127.0.0.1',
      'spark.ui.enabled': 'false',
      'spark.local.dir': temporaryFolder,
      'spark.sql.warehouse.dir': join(temporaryFolder, 'warehouse'),
      'spark.connect.grpc.binding.address': '127.0.0.1',
      'spark.connect.grpc.binding.port': String(port),
      'spark.connect.authenticate.token': token,
    }
    writeFileSync(propertiesFile, formatProperties(conf), { mode: 0o600 })
    const logFile = join(folder, 'spark.log')
    const child = this.#spawn(spec, { propertiesFile, temporaryFolder, logFile })
    const gone = untilGone(child, processFile, logFile)
    const cluster: Cluster = {
      address: `127.0.0.1:${port}`,
      token,
      instance: randomUUID(),
      gone,
      stop: () => this.#stop(child, gone),
    }
    try {
      const record = identifyProcess(await readPid(child))
      if (record) saveProcess(processFile, record)
      await untilListening(port, { timeoutMs, signal, gone })
      return cluster
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  #spawn(
    spec: ClusterSpec,
    files: { propertiesFile: string; temporaryFolder: string; logFile: string },
  ): ChildProcess {
    const { java, jarsFolder, archiveFile } = this.#settings
    const log = createWriteStream(files.logFile, { mode: 0o600 })
    const child = spawn(
      guard,
      [
        java,
        ...sparkConnectArguments({
          jarsFolder,
          propertiesFile: files.propertiesFile,
          memory: spec.memory,
          temporaryFolder: files.temporaryFolder,
          logConfigurationFile: logConfiguration,
          ...(archiveFile === undefined ? {} : { archiveFile }),
        }),
      ],
      // Its own process group: Ctrl-C in a terminal reaches the service, which stops Spark in order.
      {
        stdio: ['pipe', 'pipe', 'pipe', 'ignore', 'pipe'],
        detached: true,
        env: { ...process.env, SPARK_LOCAL_IP: '127.0.0.1' },
      },
    )
    child.stdout?.pipe(log)
    child.stderr?.pipe(log)
    return child
  }

  async #endLeftover(processFile: string): Promise<void> {
    const deadline = Date.now() + this.#settings.stopTimeoutMs
    for (let leftover = findProcess(processFile); leftover; leftover = findProcess(processFile)) {
      if (Date.now() > deadline) {
        throw new ClusterError(`Spark's process ${leftover.pid} of an earlier run does not end.`)
      }
      process.kill(leftover.pid, 'SIGKILL')
      await delay(pollMs)
    }
    forgetProcess(processFile)
  }

  async #stop(child: ChildProcess, gone: Promise<string>): Promise<void> {
    child.kill('SIGTERM')
    const cut = setTimeout(() => child.stdin?.destroy(), this.#settings.stopTimeoutMs)
    await gone
    clearTimeout(cut)
  }
}

function untilGone(child: ChildProcess, processFile: string, logFile: string): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`Spark could not be started: ${error.message}`))
    child.once('close', (code, signal) => {
      forgetProcess(processFile)
      const how = signal ?? (code && code > 128 ? `signal ${code - 128}` : `status ${code}`)
      resolve(`Spark ended with ${how}. The end of its log:\n${endOfFile(logFile)}`)
    })
  })
}

/** The guard writes the pid of Java itself, which is what must be proven gone. */
async function readPid(child: ChildProcess): Promise<number> {
  const stream = child.stdio[4] as Readable
  let text = ''
  for await (const chunk of stream) text += chunk
  return Number(text)
}

async function untilListening(
  port: number,
  { timeoutMs, signal, gone }: { timeoutMs: number; signal: AbortSignal; gone: Promise<string> },
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  let ended: string | undefined
  gone.then((reason) => {
    ended = reason
  })
  while (!(await accepts(port))) {
    if (ended !== undefined) throw new ClusterError(ended)
    if (signal.aborted) throw new ClusterError('The start of Spark was called off.')
    if (Date.now() > deadline) {
      throw new ClusterError(`Spark Connect does not listen on port ${port} after ${timeoutMs} ms.`)
    }
    await delay(pollMs)
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function endOfFile(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-20).join('\n')
}

function formatProperties(conf: Readonly<Record<string, string>>): string {
  return Object.entries(conf)
    .map(([key, value]) => `${key} ${value.replaceAll('\\', '\\\\')}`)
    .join('\n')
}
