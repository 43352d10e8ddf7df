import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type GuardedProcess, startGuarded } from '@kappa/processes/guarded-process'
import { accepts, freePorts } from '@kappa/processes/ports'
import { signalProcess } from '@kappa/processes/signal-process'
import { testStack } from '@kappa/test/stack'
import { until } from '@kappa/test/until'
import {
  formatProperties,
  sparkConnectArguments,
  sparkJvmOptions,
} from '../../launchers/spark-command.ts'
import type { SlotSettings } from '../../launchers/static/static-settings.ts'
import { javaProcesses } from './processes.ts'

const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 5_000
const RESTART_DELAY_MS = 100

/** In its driver, or in a worker of a cluster of its own. */
export type ExecutorsOfSlot = 'in the driver' | 'in a worker'

interface SlotOptions {
  readonly folder: string
  readonly name: string
  readonly executors: ExecutorsOfSlot
  readonly properties: Readonly<Record<string, string>>
  readonly systemProperties: Readonly<Record<string, string>>
}

/** What docker compose has for a slot: Spark Connect that is started again however it ends. */
export class SparkSlot {
  readonly settings: SlotSettings
  readonly folder: string
  readonly #daemons: GuardedProcess[] = []
  #masterUi: string | undefined
  readonly #driverArgument: string
  readonly #executorArgument: string
  #driver: GuardedProcess | undefined
  #supervised: Promise<void> | undefined
  #isStopping = false

  private constructor(settings: SlotSettings, folder: string, executorArgument: string) {
    this.settings = settings
    this.folder = folder
    this.#driverArgument = join(folder, 'spark.properties')
    this.#executorArgument = executorArgument
  }

  static async start(options: SlotOptions): Promise<SparkSlot> {
    const { folder, name, executors, properties, systemProperties } = options
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const [connect, driver, driverBlocks, executorBlocks, master, masterUi, workerUi] =
      (await freePorts([0, 0, 0, 0, 0, 0, 0])) as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ]
    const token = randomBytes(16).toString('base64url')
    const size = { cores: 2, memory: '512m' }
    const settings = { name, address: `127.0.0.1:${connect}`, token, ...size }
    const slot = new SparkSlot(
      settings,
      folder,
      `spark://CoarseGrainedScheduler@127.0.0.1:${driver}`,
    )
    const cluster = `spark://127.0.0.1:${master}`
    if (executors === 'in a worker') {
      const host = ['--host', '127.0.0.1']
      const deploy = 'org.apache.spark.deploy'
      await slot.#daemon('master', [
        ...[`${deploy}.master.Master`, ...host, '--port', String(master)],
        ...['--webui-port', String(masterUi)],
      ])
      slot.#masterUi = `http://127.0.0.1:${masterUi}`
      await until(() => accepts(master), Boolean, START_TIMEOUT_MS)
      await slot.#daemon('worker', [
        ...[`${deploy}.worker.Worker`, ...host, '--webui-port', String(workerUi)],
        ...['--cores', String(size.cores), '--memory', size.memory],
        ...['--work-dir', join(folder, 'work'), cluster],
      ])
    }
    const conf = {
      'spark.master': executors === 'in a worker' ? cluster : `local[${size.cores}]`,
      'spark.executor.memory': size.memory,
      'spark.driver.host': '127.0.0.1',
      'spark.driver.bindAddress': '127.0.0.1',
      'spark.driver.port': String(driver),
      'spark.driver.blockManager.port': String(driverBlocks),
      'spark.blockManager.port': String(executorBlocks),
      'spark.port.maxRetries': '0',
      'spark.executor.extraJavaOptions': Object.entries(systemProperties)
        .map(([key, value]) => `-D${key}="${value}"`)
        .join(' '),
      'spark.ui.enabled': 'false',
      'spark.local.dir': folder,
      'spark.connect.grpc.binding.address': '127.0.0.1',
      'spark.connect.grpc.binding.port': String(connect),
      'spark.connect.authenticate.token': token,
      ...properties,
    }
    writeFileSync(slot.#driverArgument, formatProperties(conf), { mode: 0o600 })
    slot.#supervised = slot.#superviseDriver(systemProperties)
    return slot
  }

  /** The driver, and executors that are processes of their own. */
  processes(): { pid: number; startTime: string }[] {
    return [...javaProcesses(this.#driverArgument), ...javaProcesses(this.#executorArgument)]
  }

  signalDriver(signal: NodeJS.Signals): void {
    for (const { pid } of javaProcesses(this.#driverArgument)) signalProcess(pid, signal)
  }

  /** As somebody does who presses `kill` in the master's page. */
  async takeApplicationAway(): Promise<void> {
    const answer = await fetch(`${this.#masterUi}/json/`)
    const { activeapps } = (await answer.json()) as { activeapps: { id: string }[] }
    for (const { id } of activeapps) {
      const body = new URLSearchParams({ id, terminate: 'true' })
      await fetch(`${this.#masterUi}/app/kill/`, { method: 'POST', body, redirect: 'manual' })
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.signalDriver('SIGKILL')
    await this.#supervised
    for (const daemon of this.#daemons.toReversed()) await daemon.stop(STOP_TIMEOUT_MS)
  }

  async #superviseDriver(systemProperties: SlotOptions['systemProperties']): Promise<void> {
    const { java, sparkJarsFolder, sparkArchiveFile } = testStack()
    const args = sparkConnectArguments({
      jarsFolder: sparkJarsFolder,
      archiveFile: sparkArchiveFile,
      propertiesFile: this.#driverArgument,
      memory: '512m',
      temporaryFolder: this.folder,
      systemProperties,
    })
    while (!this.#isStopping) {
      this.#driver = await this.#run('driver', [java, ...args])
      await this.#driver.exited
      await delay(RESTART_DELAY_MS)
    }
  }

  async #daemon(name: string, args: readonly string[]): Promise<void> {
    const { java, sparkJarsFolder } = testStack()
    const options = sparkJvmOptions({ temporaryFolder: this.folder })
    const command = [java, '-Xmx128m', ...options, '-cp', join(sparkJarsFolder, '*'), ...args]
    this.#daemons.push(await this.#run(name, command))
  }

  async #run(name: string, [command = '', ...args]: readonly string[]): Promise<GuardedProcess> {
    const output = openSync(join(this.folder, `${name}.log`), 'a', 0o600)
    try {
      return await startGuarded(command, args, {
        output,
        cwd: this.folder,
        env: {
          SPARK_LOCAL_IP: '127.0.0.1',
          SPARK_SCALA_VERSION: '2.13',
          SPARK_HOME: this.#home(),
          MALLOC_ARENA_MAX: '2',
        },
      })
    } finally {
      closeSync(output)
    }
  }

  /** Where a worker looks for the jars of its executors. */
  #home(): string {
    const home = join(this.folder, 'home')
    mkdirSync(home, { recursive: true })
    try {
      symlinkSync(testStack().sparkJarsFolder, join(home, 'jars'))
    } catch {
      // It was made for the process before.
    }
    return home
  }
}
