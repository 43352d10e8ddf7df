import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { InputError } from './input/input-item.ts'

/** One line of the file. */
export interface RejectedLine {
  /** Of the input, from 1. */
  readonly line: number
  readonly error: object
  /** Where ingest keeps the event; null when it does not. */
  readonly rejection: string | null
  /** The event as JSON text, or what stood in its place. */
  readonly event?: string
  readonly raw?: string
}

/** Takes rejected events with their reasons. The file is made when the first one comes. */
export class RejectedFile {
  readonly path: string
  written = 0
  #stream: WriteStream | undefined
  #failure: Error | undefined

  constructor(path: string) {
    this.path = path
  }

  add({ line, error, rejection, event, raw }: RejectedLine): void {
    if (this.#stream === undefined) {
      this.#stream = createWriteStream(this.path)
      this.#stream.on('error', (failure) => {
        this.#failure ??= failure
      })
    }
    const head = JSON.stringify({ line, error, rejection }).slice(0, -1)
    // As it came: parsing it could lose digits.
    const tail = event === undefined ? `,"raw":${JSON.stringify(raw)}}` : `,"event":${event}}`
    this.#stream.write(`${head}${tail}\n`)
    this.written++
  }

  /**
   * Resolves when there is room for more.
   * @throws InputError the file cannot be written
   */
  async ready(): Promise<void> {
    if (this.#stream?.writableNeedDrain === true && this.#failure === undefined) {
      await Promise.race([once(this.#stream, 'drain'), once(this.#stream, 'close')])
    }
    if (this.#failure === undefined) return
    throw new InputError(
      `the file of rejected events cannot be written: ${this.#failure.message} (--rejected names another)`,
      { cause: this.#failure },
    )
  }

  /** @throws InputError the file could not be written */
  async close(): Promise<void> {
    const stream = this.#stream
    if (stream !== undefined && !stream.closed) await new Promise((resolve) => stream.end(resolve))
    await this.ready()
  }
}
