import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster } from '../launcher.ts'
import type { SlotProcess } from './slot-process.ts'
import type { StaticLauncherSettings } from './static-settings.ts'

interface StaticClusterParts {
  readonly process: SlotProcess
  readonly secretsFolder: string
  readonly sessionConf: Readonly<Record<string, string>>
  readonly bounds: StaticLauncherSettings
  /** Told once: whether the process is proven gone. */
  readonly onStopped: (isProven: boolean) => void
}

/** Looks at whether the process answers, to one at whether Spark works in it, which costs more. */
const looksPerStoppedLook = 10

/** A slot's Spark as long as one release uses it, looked at again and again until it has ended. */
export class StaticCluster implements Cluster {
  readonly address: string
  readonly token: string
  readonly secretsFolder: string
  readonly sessionConf: Readonly<Record<string, string>>
  readonly instance = randomUUID()
  readonly gone: Promise<string>
  readonly process: SlotProcess
  readonly #parts: StaticClusterParts
  readonly #over = new AbortController()
  #isSilent = false
  #stopping: Promise<void> | undefined

  constructor(parts: StaticClusterParts) {
    this.#parts = parts
    this.process = parts.process
    this.address = parts.process.slot.address
    this.token = parts.process.slot.token
    this.secretsFolder = parts.secretsFolder
    this.sessionConf = parts.sessionConf
    this.gone = this.#watch()
  }

  problems(): string[] {
    return this.#isSilent ? [`${this.#where} does not answer.`] : []
  }

  /** Can be asked for again when it has failed. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop().catch((error: unknown) => {
      this.#stopping = undefined
      throw error
    })
    return this.#stopping
  }

  get #where(): string {
    return `Spark in slot ${this.process.slot.name} (${this.address})`
  }

  async #stop(): Promise<void> {
    const { bounds, onStopped } = this.#parts
    let isProven = false
    try {
      await this.process.end(Date.now() + bounds.restartTimeoutMs)
      isProven = true
    } finally {
      this.#over.abort()
      onStopped(isProven)
    }
    await this.gone
  }

  /** Resolves with why it is over, in words. */
  async #watch(): Promise<string> {
    const { pollIntervalMs, silentMsMax } = this.#parts.bounds
    const { signal } = this.#over
    const where = this.#where
    let answeredAt = Date.now()
    let looks = 0
    for (;;) {
      await delay(pollIntervalMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return 'It was stopped.'
      const state = await this.process.ask()
      looks += 1
      this.#isSilent = state === 'silent'
      if (state === 'answers') answeredAt = Date.now()
      if (signal.aborted) return 'It was stopped.'
      if (state === 'replaced') return `${where} has ended and was started anew; its log says why.`
      if (state === 'nothing-listens') return `${where} has ended; its log says why.`
      if (looks % looksPerStoppedLook === 0 && (await this.process.isStopped())) {
        return `${where} has stopped, though its process answers; its log says why.`
      }
      if (Date.now() - answeredAt >= silentMsMax) {
        return `${where} has not answered for ${silentMsMax} ms.`
      }
    }
  }
}
