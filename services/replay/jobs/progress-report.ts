/** Stores what a job reports: one at a time, the newest of what came meanwhile, none after its end. */
export class ProgressReport {
  readonly #store: (progress: object) => Promise<void>
  readonly #onError: (error: unknown) => void
  #next: object | undefined
  #storing = false
  #ended = false

  constructor(store: (progress: object) => Promise<void>, onError: (error: unknown) => void) {
    this.#store = store
    this.#onError = onError
  }

  report(progress: object): void {
    if (this.#ended) return
    this.#next = progress
    if (!this.#storing) void this.#storeAll()
  }

  end(): void {
    this.#ended = true
    this.#next = undefined
  }

  async #storeAll(): Promise<void> {
    this.#storing = true
    while (this.#next !== undefined) {
      const progress = this.#next
      this.#next = undefined
      await this.#store(progress).catch(this.#onError)
    }
    this.#storing = false
  }
}
