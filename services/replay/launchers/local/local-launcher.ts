import { randomBytes, randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { hasCode } from '@kappa/processes/error-code'
import { type GuardedProcess, startGuarded } from '@kappa/processes/guarded-process'
import { removePidFile, writePidFile } from '@kappa/processes/pid-file'
import { accepts, freePorts } from '@kappa/processes/ports'
import { megabytes } from '../../spark/spark-size.ts'
import { endOfLog } from '../end-of-log.ts'
import { type Cluster, ClusterError, type ClusterLauncher, type ClusterSpec } from '../launcher.ts'
import { writeSecretFiles } from '../secret-files.ts'
import { formatProperties, sparkConnectArguments } from '../spark-command.ts'
import { LauncherFence } from './launcher-fence.ts'
import type { LocalLauncherSettings } from './local-settings.ts'

const logConfiguration = join(import.meta.dirname, 'spark-log4j2.properties')
const pollMs = 50
/** Nice value: live releases come first when cores are scarce. */
const replayNiceness = 10

/**
 * Runs each release's Spark as one child process on loopback: one JVM is driver and executors, with
 * the cores and the heap of all of them. It does not grow.
 */
export class LocalLauncher implements ClusterLauncher {
  readonly #settings: LocalLauncherSettings
  readonly #fence: LauncherFence

  constructor(settings: LocalLauncherSettings) {
    this.#settings = settings
    this.#fence = new LauncherFence(settings.workFolder, settings.stopTimeoutMs)
  }

  takeOver(epoch: number): Promise<void> {
    return this.#fence.takeOver(epoch)
  }

  async remove(release: { application: string; release: number }): Promise<void> {
    await rm(this.#folder(release), { recursive: true, force: true })
  }

  async start(
    spec: ClusterSpec,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  ): Promise<Cluster> {
    const { stopTimeoutMs } = this.#settings
    const folder = this.#folder(spec)
    const temporaryFolder = join(folder, 'tmp')
    const secretsFolder = resolve(folder, 'secrets')
    const instance = randomUUID()
    const processFile = join(folder, this.#fence.pidFileName(instance))
    this.#fence.check()
    await this.#fence.endProcesses(folder)
    const [port] = (await freePorts([0])) as [number]
    // The files are those of whoever may have taken over meanwhile.
    this.#fence.check()
    rmSync(temporaryFolder, { recursive: true, force: true })
    mkdirSync(temporaryFolder, { recursive: true, mode: 0o700 })
    writeSecretFiles(secretsFolder, spec.secretFiles ?? {})

    const token = randomBytes(32).toString('base64url')
    const propertiesFile = join(folder, 'spark.properties')
    const conf = {
      ...spec.sparkConf,
      'spark.master': `local[${spec.cores * spec.executors}]`,
      'spark.app.name': `${spec.application}-${spec.release}`,
      'spark.driver.host': '127.0.0.1',
      'spark.driver.bindAddress': '127.0.0.1',
      'spark.ui.enabled': 'false',
      'spark.local.dir': temporaryFolder,
      'spark.hadoop.fs.s3a.buffer.dir': join(temporaryFolder, 's3a'),
      'spark.sql.warehouse.dir': join(temporaryFolder, 'warehouse'),
      'spark.connect.grpc.binding.address': '127.0.0.1',
      'spark.connect.grpc.binding.port': String(port),
      'spark.connect.authenticate.token': token,
    }
    writeFileSync(propertiesFile, formatProperties(conf), { mode: 0o600 })
    const logFile = join(folder, 'spark.log')
    const spark = await this.#spawn(spec, { propertiesFile, temporaryFolder, logFile })
    writePidFile(processFile, spark.pid)
    const gone = spark.exited.then((how) => {
      removePidFile(processFile)
      return reasonOf(how, heapOf(spec), endOfFile(logFile))
    })
    const cluster: Cluster = {
      address: `127.0.0.1:${port}`,
      token,
      secretsFolder,
      instance,
      gone,
      async stop() {
        await spark.stop(stopTimeoutMs)
        await gone
      },
    }
    try {
      // Whoever took over between the first look and the pid file has not seen this process.
      this.#fence.check()
      await untilListening(port, { timeoutMs, signal, gone })
      return cluster
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  async #spawn(
    spec: ClusterSpec,
    files: { propertiesFile: string; temporaryFolder: string; logFile: string },
  ): Promise<GuardedProcess> {
    const { java, jarsFolder, archiveFile } = this.#settings
    const args = sparkConnectArguments({
      jarsFolder,
      propertiesFile: files.propertiesFile,
      memory: heapOf(spec),
      temporaryFolder: files.temporaryFolder,
      logConfigurationFile: logConfiguration,
      ...(spec.systemProperties && { systemProperties: spec.systemProperties }),
      ...(archiveFile === undefined ? {} : { archiveFile }),
    })
    const output = openSync(files.logFile, 'w', 0o600)
    try {
      // RocksDB allocates from many threads; glibc would keep an arena for each of them.
      const nice = spec.priority === 'replay' ? ['nice', '-n', String(replayNiceness)] : []
      const [command = java, ...rest] = [...nice, java, ...args]
      return await startGuarded(command, rest, {
        output,
        env: { SPARK_LOCAL_IP: '127.0.0.1', MALLOC_ARENA_MAX: '2' },
      })
    } finally {
      closeSync(output)
    }
  }

  #folder({ application, release }: { application: string; release: number }): string {
    return join(this.#settings.workFolder, `${application}-${release}`)
  }
}

/** Of the one JVM that does the work of all executors. */
function heapOf({ memory, executors }: ClusterSpec): string {
  return `${megabytes(memory) * executors}m`
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

function reasonOf(how: string, memory: string, endOfLog: string): string {
  const reason = endOfLog.includes('java.lang.OutOfMemoryError')
    ? `Spark ran out of its heap of ${memory}: give it more, with spark.memory in application.yaml, or with a replay's own size.`
    : `Spark ${how}.`
  return `${reason} The end of its log:\n${endOfLog}`
}

function endOfFile(file: string): string {
  try {
    return endOfLog(readFileSync(file, 'utf8'))
  } catch (error) {
    // Whoever has taken over meanwhile may have removed the release.
    if (hasCode(error, 'ENOENT')) return `(${file} is gone)`
    throw error
  }
}
