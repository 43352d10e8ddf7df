import type { PendingEvent } from './pending-event.ts'
import {
  type AcceptedEvent,
  type EventResult,
  type NotAccepted,
  PublishStoppedError,
  type PublishSummary,
} from './publish-results.ts'

export interface PublishAllOptions<Event> {
  /** Gives up what is not settled and reads no more. */
  readonly signal?: AbortSignal
  /** Called for each event as it is settled, which is not always in the order of the input. */
  readonly onResult?: (result: EventResult, index: number, event: Event) => void
  /** How many of those that were not accepted the summary lists. Default 1,000. */
  readonly notAcceptedMax?: number
}

/** The part of a publisher that `publishEach` needs. */
export interface Intake<Event> {
  isClosed(): boolean
  /** @returns the event, with a promise that resolves once it has its room if there is none yet */
  add(
    event: Event,
    onSettled: (result: EventResult) => void,
  ): { readonly event: PendingEvent; readonly room?: Promise<void> }
  giveUp(event: PendingEvent): void
}

const notAcceptedMaxDefault = 1_000

/** @see Publisher.publishAll */
export async function publishEach<Event>(
  events: Iterable<Event> | AsyncIterable<Event>,
  options: PublishAllOptions<Event>,
  intake: Intake<Event>,
): Promise<PublishSummary> {
  const run = new PublishRun(options, intake)
  const { signal } = options
  const cancel = () => run.giveUp()
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    const cause = await run.readAll(events)
    await run.settled()
    const error = cause ?? run.callbackError
    if (error === undefined) return run.summary
    throw new PublishStoppedError(error.message, run.summary, { cause: error })
  } finally {
    signal?.removeEventListener('abort', cancel)
  }
}

class PublishRun<Event> {
  /** What `onResult` threw first. */
  callbackError: Error | undefined
  readonly #options: PublishAllOptions<Event>
  readonly #intake: Intake<Event>
  readonly #pending = new Set<PendingEvent>()
  readonly #counts = { accepted: 0, rejected: 0, failed: 0 }
  readonly #notAccepted: NotAccepted[] = []
  /** The highest offset of each partition, with the token of its request. */
  readonly #newest = new Map<number, { readonly offset: number; readonly position: string }>()
  #read = 0
  #wake: (() => void) | undefined

  constructor(options: PublishAllOptions<Event>, intake: Intake<Event>) {
    this.#options = options
    this.#intake = intake
  }

  get summary(): PublishSummary {
    const positions = new Set(Array.from(this.#newest.values(), ({ position }) => position))
    const notAccepted = this.#notAccepted.sort((a, b) => a.index - b.index)
    return { ...this.#counts, positions: [...positions], notAccepted }
  }

  /** @returns why it ended before the input did */
  async readAll(events: Iterable<Event> | AsyncIterable<Event>): Promise<Error | undefined> {
    try {
      if (Symbol.iterator in events) {
        // Awaiting every event would cost more than sending it.
        for (const event of events) {
          const room = this.#add(event)
          if (room !== undefined) await room
        }
      } else {
        for await (const event of events) await this.#add(event)
      }
      return this.#options.signal?.aborted ? stopped('the caller gave up') : undefined
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  giveUp(): void {
    for (const event of this.#pending) this.#intake.giveUp(event)
  }

  async settled(): Promise<void> {
    if (this.#settledCount() === this.#read) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  #settledCount(): number {
    return this.#counts.accepted + this.#counts.rejected + this.#counts.failed
  }

  #add(event: Event): Promise<void> | undefined {
    if (this.callbackError !== undefined) throw this.callbackError
    if (this.#options.signal?.aborted) throw stopped('the caller gave up')
    if (this.#intake.isClosed()) throw stopped('the publisher was closed')
    const index = this.#read
    let pending: PendingEvent | undefined
    const added = this.#intake.add(event, (result) => {
      if (pending !== undefined) this.#pending.delete(pending)
      this.#count(result, index, event)
    })
    this.#read++
    pending = added.event
    if (!pending.settled) this.#pending.add(pending)
    return added.room
  }

  #count(result: EventResult, index: number, event: Event): void {
    this.#counts[result.status]++
    const { notAcceptedMax = notAcceptedMaxDefault, onResult } = this.#options
    if (result.status === 'accepted') this.#place(result)
    else if (this.#notAccepted.length < notAcceptedMax) this.#notAccepted.push({ index, result })
    try {
      onResult?.(result, index, event)
    } catch (error) {
      this.callbackError ??= error instanceof Error ? error : new Error(String(error))
    }
    if (this.#settledCount() === this.#read) this.#wake?.()
  }

  #place({ partition, offset, position }: AcceptedEvent): void {
    if (position === undefined) return
    const before = this.#newest.get(partition)
    const at = Number(offset)
    if (before === undefined || at > before.offset)
      this.#newest.set(partition, { offset: at, position })
  }
}

function stopped(message: string): Error {
  return new Error(message)
}
