/** Where an event was accepted, and when (epoch ms, with fractions). */
export interface AcceptedEvent {
  readonly partition: number
  readonly offset: number
  readonly acceptedAt: number
}

/** Tells from a view's positions which events have become readable, and how long it took each. */
export class Coverage {
  readonly latenciesMs: number[] = []
  readonly #waiting = new Map<number, AcceptedEvent[]>()

  get waiting(): number {
    return [...this.#waiting.values()].reduce((sum, events) => sum + events.length, 0)
  }

  add(event: AcceptedEvent): void {
    const events = this.#waiting.get(event.partition) ?? []
    events.push(event)
    this.#waiting.set(event.partition, events)
  }

  /**
   * @param token `meta.position` of an answer: base64url of the next offsets by topic and partition
   * @param readAt when the answer was there
   */
  readable(token: string, topic: string, readAt: number): void {
    const sources = JSON.parse(Buffer.from(token, 'base64url').toString()).topics
    const offsets: Record<string, string> = sources[topic] ?? {}
    for (const [partition, events] of this.#waiting) {
      const next = Number(offsets[partition] ?? 0)
      for (const event of events) {
        // One that was answered for after the rows were asked for counts as no wait.
        if (event.offset < next) this.latenciesMs.push(Math.max(0, readAt - event.acceptedAt))
      }
      this.#waiting.set(
        partition,
        events.filter(({ offset }) => offset >= next),
      )
    }
  }
}
