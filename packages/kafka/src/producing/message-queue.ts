import type { QueuedMessage } from './pending-send.ts'

const COMPACT_AT = 4_096

/** First in, first out; what has to be sent again goes back to the front, in its order. */
export class MessageQueue {
  #items: QueuedMessage[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(message: QueuedMessage): void {
    this.#items.push(message)
  }

  putBack(messages: readonly QueuedMessage[]): void {
    this.#items = messages.concat(this.#items.slice(this.#head))
    this.#head = 0
  }

  peek(): QueuedMessage | undefined {
    return this.#items[this.#head]
  }

  /** Takes messages of unsettled sends while both bounds hold, at least one. */
  take(recordsMax: number, bytesMax: number): QueuedMessage[] {
    const taken: QueuedMessage[] = []
    let bytes = 0
    while (this.#head < this.#items.length && taken.length < recordsMax) {
      const message = this.#items[this.#head] as QueuedMessage
      if (!message.send.settled) {
        bytes += message.bytes
        if (taken.length > 0 && bytes > bytesMax) break
        taken.push(message)
      }
      this.#head += 1
    }
    this.#compact()
    return taken
  }

  /** Forgets messages at the front whose send has an outcome. */
  dropSettled(): void {
    while (this.peek()?.send.settled) this.#head += 1
    this.#compact()
  }

  drain(): QueuedMessage[] {
    return this.take(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
  }

  #compact(): void {
    if (this.#head === this.#items.length) {
      this.#items = []
      this.#head = 0
    } else if (this.#head >= COMPACT_AT) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
  }
}
