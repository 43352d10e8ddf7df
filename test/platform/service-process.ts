import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GuardedProcess, startGuarded } from '@kappa/processes/guarded-process'
import { signalProcess } from '@kappa/processes/signal-process'
import { waitFor } from './wait.ts'

const root = join(import.meta.dirname, '..', '..')
const startTimeoutMs = 60_000
const stopTimeoutMs = 60_000
const logCharactersShown = 4_000

/** One service as a process of its own, so that a test can kill it as a machine would. */
export class ServiceProcess {
  readonly name: string
  readonly url: string
  readonly pid: number
  readonly #child: GuardedProcess

  private constructor(name: string, url: string, child: GuardedProcess) {
    this.name = name
    this.url = url
    this.#child = child
    this.pid = child.pid
  }

  static async start(
    name: 'ingest' | 'replay' | 'results',
    environment: Readonly<Record<string, string>>,
    logFile: string,
  ): Promise<ServiceProcess> {
    const main = join(root, 'services', name, 'main.ts')
    const output = openSync(logFile, 'a')
    const { size } = fstatSync(output)
    const log = () => readFileSync(logFile).subarray(size).toString()
    const child = await startGuarded(process.execPath, [main], {
      output,
      env: environment,
    }).finally(() => closeSync(output))
    const failed = child.exited.then((how) => {
      throw new Error(`${name} ${how} on its way up:\n${log().slice(-logCharactersShown)}`)
    })
    failed.catch(() => undefined)
    const url = await Promise.race([
      waitFor(`${name} listening`, async () => listeningUrl(log()), startTimeoutMs),
      failed,
    ])
    return new ServiceProcess(name, url, child)
  }

  /** Ends it at once, with no chance to finish anything. */
  async kill(): Promise<void> {
    signalProcess(this.pid, 'SIGKILL')
    await this.#child.exited
  }

  stop(): Promise<void> {
    return this.#child.stop(stopTimeoutMs)
  }
}

function listeningUrl(log: string): string | undefined {
  return /"listening":"(http:[^"]+)"/.exec(log)?.[1]
}
