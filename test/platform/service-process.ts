import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GuardedProcess, startGuarded } from '@kappa/processes/guarded-process'
import { signalProcess } from '@kappa/processes/signal-process'
import { waitFor } from './wait.ts'

const root = join(import.meta.dirname, '..', '..')
const startTimeoutMs = 60_000
const stopTimeoutMs = 60_000
const logCharactersShown = 4_000

export type ServiceName = 'ingest' | 'replay' | 'results'

/** One service as a process of its own, so that a test can kill it as a machine would. */
export class ServiceProcess {
  readonly name: string
  readonly url: string
  readonly pid: number
  /** What it has written so far. */
  readonly log: () => string
  readonly #child: GuardedProcess

  private constructor(name: string, url: string, child: GuardedProcess, log: () => string) {
    this.name = name
    this.url = url
    this.#child = child
    this.pid = child.pid
    this.log = log
  }

  /** @param main what runs in place of the service's own main.ts */
  static async start(
    name: ServiceName,
    environment: Readonly<Record<string, string>>,
    logFile: string,
    main = join(root, 'services', name, 'main.ts'),
  ): Promise<ServiceProcess> {
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
    return new ServiceProcess(name, url, child, log)
  }

  /** Resolves with how it ended, whoever ended it: `ended with 1` or `ended by SIGKILL`. */
  get exited(): Promise<string> {
    return this.#child.exited
  }

  signal(signal: NodeJS.Signals): void {
    signalProcess(this.pid, signal)
  }

  /** Ends it at once, with no chance to finish anything. */
  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.#child.exited
  }

  stop(): Promise<void> {
    return this.#child.stop(stopTimeoutMs)
  }
}

function listeningUrl(log: string): string | undefined {
  return /"listening":"(http:[^"]+)"/.exec(log)?.[1]
}
