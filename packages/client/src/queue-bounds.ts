export interface QueueBoundsOptions {
  readonly queueEventsMax: number
  readonly queueBytesMax: number
  readonly waitingEventsMax: number
}

interface Waiting {
  readonly bytes: number
  readonly enter: () => boolean
}

/** Counts the events that are not settled and lets others wait for room, first come first served. */
export class QueueBounds {
  events = 0
  bytes = 0
  readonly #options: QueueBoundsOptions
  #waiting: Waiting[] = []
  #first = 0

  constructor(options: QueueBoundsOptions) {
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting.length - this.#first
  }

  /** Takes room for one event if there is some and nobody waits. */
  tryEnter(bytes: number): boolean {
    if (this.waiting > 0 || !this.#fits(bytes)) return false
    this.#take(bytes)
    return true
  }

  /**
   * Calls `enter` once there is room, which tells whether it is still wanted.
   * @param always however many wait already: for callers that wait with one event at a time
   * @returns false when too many wait already
   */
  wait(bytes: number, enter: () => boolean, always: boolean): boolean {
    if (!always && this.waiting >= this.#options.waitingEventsMax) return false
    this.#waiting.push({ bytes, enter })
    return true
  }

  leave(bytes: number): void {
    this.events--
    this.bytes -= bytes
    for (let next = this.#waiting[this.#first]; next; next = this.#waiting[this.#first]) {
      if (!this.#fits(next.bytes)) break
      this.#first++
      this.#take(next.bytes)
      if (next.enter()) continue
      this.events--
      this.bytes -= next.bytes
    }
    if (this.#first > 1_024 && this.#first * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#first)
      this.#first = 0
    }
  }

  /** An event above the bound by itself is let in when alone: it could never be sent otherwise. */
  #fits(bytes: number): boolean {
    if (this.events >= this.#options.queueEventsMax) return false
    return this.events === 0 || this.bytes + bytes <= this.#options.queueBytesMax
  }

  #take(bytes: number): void {
    this.events++
    this.bytes += bytes
  }
}
