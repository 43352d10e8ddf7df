import { setTimeout as delay } from 'node:timers/promises'
import { SparkTransportError } from '@kappa/spark-connect/errors'
import { megabytes } from '../../spark/spark-size.ts'
import { ClusterError, type ClusterSpec } from '../launcher.ts'
import { SlotProcess, stateOf } from './slot-process.ts'
import type { StaticCluster } from './static-cluster.ts'
import type { SlotSettings, StaticLauncherSettings } from './static-settings.ts'
import { refuseNewer, TakenOverError } from './taken-over.ts'

/** A release that a slot is kept for, and its cluster once that runs. */
export interface SlotHolder {
  readonly application: string
  readonly release: number
  cluster?: StaticCluster
}

/** A place for the cluster of one release. */
export class Slot {
  readonly settings: SlotSettings
  /** For whom this instance uses it. */
  holder: SlotHolder | undefined
  readonly #bounds: StaticLauncherSettings
  #isUnproven = true
  #proving: Promise<void> | undefined
  /** When this instance last ended what ran there, epoch milliseconds. */
  #endedAt = 0

  constructor(settings: SlotSettings, bounds: StaticLauncherSettings) {
    this.settings = settings
    this.#bounds = bounds
  }

  get name(): string {
    return this.settings.name
  }

  /** Whether nobody knows if something of before still runs there. */
  get isUnproven(): boolean {
    return this.#isUnproven
  }

  /** Whether it can be expected to answer soon. */
  get isRestarting(): boolean {
    return Date.now() - this.#endedAt < this.#bounds.restartTimeoutMs
  }

  fits({ cores, memory, executors }: ClusterSpec): boolean {
    return (
      cores * executors <= this.settings.cores &&
      megabytes(memory) * executors <= megabytes(this.settings.memory)
    )
  }

  /** @throws ClusterError an instance of a newer epoch is at work; nobody knows what is there */
  async answers(epoch: number): Promise<boolean> {
    const used = this.holder?.cluster?.process
    if (used) {
      await refuseNewer(used, epoch)
      return true
    }
    const found = await this.#look(epoch)
    await found?.process.leave()
    // Nobody here has it: perhaps it was out of reach when it was thought to be gone.
    if (found?.isUsed && this.holder === undefined) this.#isUnproven = true
    return found !== undefined
  }

  /**
   * Ends what somebody has used there. Resolves when that is proven gone.
   * @throws ClusterError an instance of a newer epoch is at work; it cannot be proven in time
   */
  prove(epoch: number): Promise<void> {
    this.#proving ??= this.#prove(epoch).finally(() => {
      this.#proving = undefined
    })
    return this.#proving
  }

  /**
   * Waits for a process that nobody has used, and ends one that somebody has.
   * @throws ClusterError when there is none in time, or the signal aborts
   */
  async untilFresh(
    epoch: number,
    options: { deadline: number; timeoutMs: number; signal: AbortSignal },
  ): Promise<SlotProcess> {
    const { deadline, timeoutMs, signal } = options
    let silence: SilentSlotError | undefined
    for (;;) {
      if (signal.aborted) throw new ClusterError('The start of Spark was called off.')
      if (Date.now() > deadline) {
        const why = silence === undefined ? '' : ` ${silence.message}`
        throw new ClusterError(
          `No Spark that is ready for a release answers in ${this} after ${timeoutMs} ms.${why}`,
          { cause: silence },
        )
      }
      try {
        const found = await this.#look(epoch)
        if (found?.isUsed === false) return found.process
        if (found) {
          this.#isUnproven = true
          await found.process.end(deadline)
          this.#isUnproven = false
        }
        silence = undefined
      } catch (error) {
        if (!(error instanceof SilentSlotError)) throw error
        silence = error
      }
      await delay(this.#bounds.pollIntervalMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Ends a process that was not to be used; if that is not proven, the next start sees to it. */
  async end(process: SlotProcess): Promise<void> {
    this.#isUnproven = true
    await process.end(Date.now() + this.#bounds.restartTimeoutMs).then(
      () => {
        this.#isUnproven = false
      },
      () => undefined,
    )
    this.#endedAt = Date.now()
  }

  /** To be called when a release's cluster was stopped. */
  left(holder: SlotHolder, isProvenGone: boolean): void {
    if (!isProvenGone) this.#isUnproven = true
    this.#endedAt = Date.now()
    if (this.holder === holder) this.holder = undefined
  }

  /** For messages. */
  toString(): string {
    return `slot ${this.settings.name} (${this.settings.address})`
  }

  async #prove(epoch: number): Promise<void> {
    const { restartTimeoutMs, goneAfterMs, pollIntervalMs } = this.#bounds
    const deadline = Date.now() + restartTimeoutMs
    let nothingSince: number | undefined
    for (;;) {
      try {
        const found = await this.#look(epoch)
        if (found?.isUsed === false) {
          await found.process.leave()
          break
        }
        await found?.process.end(deadline)
        nothingSince = found ? undefined : (nothingSince ?? Date.now())
      } catch (error) {
        if (!(error instanceof SilentSlotError) || Date.now() > deadline) throw error
        nothingSince = undefined
      }
      if (nothingSince !== undefined && Date.now() - nothingSince >= goneAfterMs) break
      await delay(pollIntervalMs)
    }
    this.#isUnproven = false
  }

  /**
   * The process that answers there, which from now on refuses instances of older epochs.
   * @returns undefined when nothing listens
   * @throws ClusterError an instance of a newer epoch is at work; nobody knows what is there
   */
  async #look(epoch: number): Promise<{ process: SlotProcess; isUsed: boolean } | undefined> {
    let process: SlotProcess | undefined
    try {
      process = await SlotProcess.connect(this.settings, this.#bounds)
      await refuseNewer(process, epoch)
      await process.markEpoch(epoch)
      return { process, isUsed: await process.isUsed() }
    } catch (error) {
      await process?.leave()
      if (error instanceof TakenOverError) throw error
      const state = stateOf(error)
      // One that ended while it was looked at is no news; the next look tells what is there now.
      if (state === 'nothing-listens' || (process && state === 'replaced')) return undefined
      throw this.#unknown(error as Error)
    }
  }

  #unknown(error: Error): ClusterError {
    if (error instanceof SparkTransportError && error.kind === 'unauthenticated') {
      return new ClusterError(
        `The ${this} refuses the token in its tokenFile: it must be what Spark there was started with.`,
        { cause: error },
      )
    }
    return new SilentSlotError(
      `The ${this} does not answer, so nobody knows what runs there: ${error.message}`,
      { cause: error },
    )
  }
}

class SilentSlotError extends ClusterError {}
