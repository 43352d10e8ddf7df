import type { PendingEvent } from './pending-event.ts'
import type { PublisherLimits } from './publish-options.ts'

/** The events of one topic that wait to be sent, in order. */
export class TopicLane {
  readonly topic: string
  requestsInFlight = 0
  /** The first event has waited long enough for others. Set by a timer, so that what is published
   * in one turn goes together however long that turn takes. */
  lingered = false
  timer: NodeJS.Timeout | undefined
  #events: PendingEvent[] = []
  #first = 0
  #bytes = 0

  constructor(topic: string) {
    this.topic = topic
  }

  get head(): PendingEvent | undefined {
    for (;;) {
      const event = this.#events[this.#first]
      // Events whose caller gave up are settled where they stand.
      if (event?.settled !== true) return event
      this.#bytes -= event.bytes
      this.#first++
    }
  }

  add(event: PendingEvent): void {
    this.#events.push(event)
    this.#bytes += event.bytes
  }

  /** Whether a batch is full, has waited long enough, or is asked for by a flush. */
  isDue(limits: PublisherLimits, generation: number): boolean {
    const { head } = this
    if (head === undefined) return false
    return (
      this.#events.length - this.#first >= limits.batchEventsMax ||
      this.#bytes >= limits.batchBytesMax ||
      head.generation < generation ||
      this.lingered
    )
  }

  /** The next batch, within the bounds unless its first event is above them. */
  take(limits: PublisherLimits): PendingEvent[] {
    const batch: PendingEvent[] = []
    let bytes = 0
    for (let event = this.head; event !== undefined; event = this.head) {
      if (batch.length === limits.batchEventsMax) break
      if (batch.length > 0 && bytes + event.bytes > limits.batchBytesMax) break
      batch.push(event)
      bytes += event.bytes
      this.#bytes -= event.bytes
      this.#first++
    }
    if (this.#first * 2 >= this.#events.length) {
      this.#events = this.#events.slice(this.#first)
      this.#first = 0
    }
    const { head } = this
    this.lingered = head !== undefined && performance.now() - head.queuedAtMs >= limits.lingerMs
    return batch
  }
}
