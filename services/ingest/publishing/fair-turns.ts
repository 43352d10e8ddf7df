/**
 * Lets requests in to be encoded and written, some bytes at a time. While the bytes are taken, those
 * that wait are let in by client: next is whoever has been given the fewest bytes, so that a small
 * request never waits behind another client's long queue.
 *
 * This is start-time fair queuing with equal weights (Goyal, Vin, Cheng 1996): a client that comes
 * back starts at the present virtual time and cannot save up turns.
 */
export class FairTurns {
  readonly #bytesMax: number
  readonly #waiting = new Map<string, Waiting>()
  #bytes = 0
  #virtualTime = 0

  /** @param bytesMax bytes of bodies that may be let in at once; one request always is */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Requests that wait for their turn. */
  get waiting(): number {
    let sum = 0
    for (const { queue } of this.#waiting.values()) sum += queue.length
    return sum
  }

  /** Resolves when it is the request's turn. Follow it with `done` of the same bytes. */
  take(client: string, bytes: number): Promise<void> | undefined {
    if (this.#waiting.size === 0 && this.#fits(bytes)) {
      this.#bytes += bytes
      return undefined
    }
    return new Promise((enter) => {
      let own = this.#waiting.get(client)
      if (own === undefined) {
        own = { virtualTime: this.#virtualTime, queue: [] }
        this.#waiting.set(client, own)
      }
      own.queue.push({ bytes, enter })
    })
  }

  done(bytes: number): void {
    this.#bytes -= bytes
    for (;;) {
      const next = this.#next()
      if (next === undefined) return
      const [client, own] = next
      const turn = own.queue[0]
      if (turn === undefined || !this.#fits(turn.bytes)) return
      own.queue.shift()
      this.#virtualTime = own.virtualTime
      own.virtualTime += turn.bytes
      if (own.queue.length === 0) this.#waiting.delete(client)
      this.#bytes += turn.bytes
      turn.enter()
    }
  }

  #next(): [string, Waiting] | undefined {
    let next: [string, Waiting] | undefined
    for (const entry of this.#waiting) {
      if (next === undefined || entry[1].virtualTime < next[1].virtualTime) next = entry
    }
    return next
  }

  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax
  }
}

interface Waiting {
  virtualTime: number
  readonly queue: { readonly bytes: number; readonly enter: () => void }[]
}
