import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { hasCode } from '@kappa/processes/error-code'
import { pidFilesIn, readLivePid, removePidFile } from '@kappa/processes/pid-file'
import { signalProcess } from '@kappa/processes/signal-process'
import { ClusterError } from '../launcher.ts'

const pollMs = 20

/**
 * Keeps instances of replay that share a work folder apart: the newest epoch is written there, and
 * processes are recorded by the epoch of who started them, so that nobody overwrites the record of
 * a process that another one still has to end.
 */
export class LauncherFence {
  readonly #folder: string
  readonly #endTimeoutMs: number
  #epoch = 0

  constructor(folder: string, endTimeoutMs: number) {
    this.#folder = folder
    this.#endTimeoutMs = endTimeoutMs
  }

  /** @param instance of the cluster: what is removed with one process is never another's record */
  pidFileName(instance: string): string {
    return `spark-${this.#epoch}-${instance}.pid`
  }

  /** @throws ClusterError an instance of a newer epoch is at work, or a process does not end */
  async takeOver(epoch: number): Promise<void> {
    this.#epoch = epoch
    this.check()
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    const written = join(this.#folder, `epoch-${epoch}`)
    writeFileSync(written, String(epoch), { mode: 0o600 })
    renameSync(written, this.#epochFile)
    const entries = readdirSync(this.#folder, { withFileTypes: true })
    for (const entry of entries) {
      if (entry.isDirectory()) await this.endProcesses(join(this.#folder, entry.name))
    }
  }

  /** @throws ClusterError an instance of a newer epoch has taken over */
  check(): void {
    const newest = this.#newestEpoch()
    if (newest <= this.#epoch) return
    throw new ClusterError(
      `Another instance of replay has taken over (epoch ${newest}, this one has ${this.#epoch}); no cluster is started here any more.`,
    )
  }

  /** Ends the recorded processes of a release, whoever has started them. */
  async endProcesses(releaseFolder: string): Promise<void> {
    const deadline = Date.now() + this.#endTimeoutMs
    for (const file of pidFilesIn(releaseFolder)) {
      for (let pid = readLivePid(file); pid !== undefined; pid = readLivePid(file)) {
        if (Date.now() > deadline) {
          throw new ClusterError(`Spark's process ${pid} of an earlier run does not end.`)
        }
        signalProcess(pid, 'SIGKILL')
        await delay(pollMs)
      }
      removePidFile(file)
    }
  }

  get #epochFile(): string {
    return join(this.#folder, 'epoch')
  }

  #newestEpoch(): number {
    try {
      return Number(readFileSync(this.#epochFile, 'utf8'))
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return 0
      throw error
    }
  }
}
