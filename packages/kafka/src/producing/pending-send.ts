import { KafkaError, type KafkaErrorCode, type Placement } from '../port.ts'
import type { SizedMessage } from './produce-request.ts'

/** One call of `send` until all its records are acknowledged or one is given up. */
export class PendingSend {
  readonly topic: string
  readonly bytes: number
  readonly deadline: number
  readonly promise: Promise<Placement[]>
  settled = false
  /** Some of its records may be in the log. */
  maybeWritten = false
  readonly #placements: Placement[]
  #remaining: number
  #resolve!: (placements: Placement[]) => void
  #reject!: (error: KafkaError) => void
  readonly #onSettled: (send: PendingSend) => void

  constructor(
    topic: string,
    records: number,
    bytes: number,
    deadline: number,
    onSettled: (send: PendingSend) => void,
  ) {
    this.topic = topic
    this.bytes = bytes
    this.deadline = deadline
    this.#onSettled = onSettled
    this.#remaining = records
    this.#placements = new Array<Placement>(records)
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** A record that was sent twice after a doubt keeps the first place that is told. */
  place(index: number, partition: number, offset: bigint): void {
    this.maybeWritten = true
    if (this.#placements[index] !== undefined) return
    this.#placements[index] = { partition, offset }
    this.#remaining -= 1
    if (this.#remaining > 0 || this.settled) return
    this.#settle()
    this.#resolve(this.#placements)
  }

  fail(error: KafkaError): void {
    if (this.settled) return
    this.#settle()
    this.#reject(error)
  }

  /** Gives up with `code`, or with `unknown` when records of this send may be in the log. */
  giveUp(code: KafkaErrorCode, reason: string, cause: unknown): void {
    const options = cause === undefined ? {} : { cause }
    if (!this.maybeWritten) {
      const text = `Nothing was written to "${this.topic}": ${reason}`
      this.fail(new KafkaError(code, text, options))
      return
    }
    const text = `Records may be in "${this.topic}" or not: ${reason}. Send again with the same ids`
    this.fail(new KafkaError('unknown', text, options))
  }

  #settle(): void {
    this.settled = true
    this.#onSettled(this)
  }
}

/** A record on its way. */
export interface QueuedMessage extends SizedMessage {
  readonly send: PendingSend
  readonly index: number
  readonly partition: number
}
