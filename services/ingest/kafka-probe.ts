import type { Health } from '@kappa/service/health'
import type { Logger } from '@kappa/service/logger'

/** Asks Kafka again and again whether it is there, and keeps the answer for readiness. */
export class KafkaProbe {
  #reason: string | undefined
  readonly #ask: () => Promise<unknown>
  readonly #logger: Logger
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(ask: () => Promise<unknown>, logger: Logger) {
    this.#ask = ask
    this.#logger = logger
  }

  start(health: Health, intervalMs: number): void {
    health.addCheck('kafka', () => this.#reason)
    const again = () => {
      if (this.#stopped) return
      this.#timer = setTimeout(() => void this.#probe().finally(again), intervalMs)
    }
    again()
  }

  /** A send failed: not ready until Kafka answers again. */
  failed(reason: string): void {
    if (this.#reason === undefined) this.#logger.warn({ reason }, 'Kafka is not available')
    this.#reason = reason
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  async #probe(): Promise<void> {
    try {
      await this.#ask()
      if (this.#reason !== undefined) this.#logger.info('Kafka is available again')
      this.#reason = undefined
    } catch (error) {
      this.failed(`is not available: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
