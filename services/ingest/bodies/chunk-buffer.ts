/** A body may come byte by byte: each chunk costs far more memory than a byte. */
const loosePiecesMax = 1_024

/** Collects the chunks of a body at about the cost of their bytes, however small they are. */
export class ChunkBuffer {
  #pieces: Buffer[] = []
  #loose: Buffer[] = []
  #length = 0

  /** Bytes held. */
  get length(): number {
    return this.#length
  }

  add(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#length += chunk.length
    this.#loose.push(chunk)
    if (this.#loose.length < loosePiecesMax) return
    this.#pieces.push(Buffer.concat(this.#loose))
    this.#loose = []
  }

  /** All bytes, which are no longer held then. */
  take(): Buffer {
    const all = [...this.#pieces, ...this.#loose]
    const whole = all.length === 1 && all[0] ? all[0] : Buffer.concat(all, this.#length)
    this.#pieces = []
    this.#loose = []
    this.#length = 0
    return whole
  }
}
