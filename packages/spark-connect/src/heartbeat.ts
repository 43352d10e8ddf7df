export type HeartbeatOptions = {
  beat: () => Promise<void>
  /** 0: no heartbeat. */
  intervalMs: number
  onError: (error: unknown) => void
}

/** Calls `beat` at an interval, never two at a time, and keeps no process alive. */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: HeartbeatOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#options.intervalMs <= 0 || this.#timer !== undefined || this.#stopped) return
    this.#schedule()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#run(), this.#options.intervalMs).unref()
  }

  async #run(): Promise<void> {
    try {
      await this.#options.beat()
    } catch (error) {
      if (!this.#stopped) this.#options.onError(error)
    }
    if (!this.#stopped) this.#schedule()
  }
}
