import { type PositionRecord, positionKey } from '@kappa/applications/records'
import type { ControlLog } from './control-log.ts'

/**
 * Writes positions to the control log, one commit in flight: what arrives meanwhile waits, only the
 * newest of each view, so that the queue is bounded by the number of views.
 */
export class PositionWriter {
  readonly failed: Promise<never>
  readonly #control: ControlLog
  readonly #waiting = new Map<string, PositionRecord>()
  #writing: Promise<void> | undefined
  #fail!: (error: unknown) => void

  constructor(control: ControlLog) {
    this.#control = control
    this.failed = new Promise((_resolve, reject) => {
      this.#fail = reject
    })
    // Whoever races on `failed` sees it; without anyone yet it must not end the process.
    this.failed.catch(() => undefined)
  }

  write(records: readonly PositionRecord[]): void {
    for (const record of records) {
      this.#waiting.set(positionKey(record.application, record.release, record.view), record)
    }
    // Without anything to write the drain would be over before it is remembered as running.
    if (this.#waiting.size > 0) this.#writing ??= this.#drain().catch(this.#fail)
  }

  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #drain(): Promise<void> {
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting.values()]
      this.#waiting.clear()
      await this.#control.writePositions(batch)
    }
    this.#writing = undefined
  }
}
