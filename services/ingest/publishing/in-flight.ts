import { ServiceError } from '@kappa/service/errors'
import type { IngestLimits } from '../config.ts'

const retryAfterSeconds = 1

/** One admitted request's share of the bounds; `release` gives it back, once. */
export interface Lease {
  /** @throws ServiceError `too_many_requests` */
  reserve(bytes: number): void
  release(): void
}

/** Counts publish requests and the bytes of their bodies, and refuses what is above the bounds. */
export class InFlight {
  requests = 0
  bytes = 0
  readonly #limits: IngestLimits

  constructor(limits: IngestLimits) {
    this.#limits = limits
  }

  /** @throws ServiceError `too_many_requests` */
  admit(): Lease {
    const { requestsInFlightMax } = this.#limits
    if (this.requests >= requestsInFlightMax) {
      throw tooMany(`${requestsInFlightMax} publish requests are in flight, which is the bound`)
    }
    this.requests++
    let held = 0
    let released = false
    return {
      reserve: (bytes) => {
        this.#reserve(bytes, held)
        held += bytes
      },
      release: () => {
        if (released) return
        released = true
        this.requests--
        this.bytes -= held
      },
    }
  }

  #reserve(bytes: number, held: number): void {
    const { bytesInFlightMax } = this.#limits
    // A body above the bound by itself is let in when alone: it could never be sent otherwise.
    if (this.bytes > held && this.bytes + bytes > bytesInFlightMax) {
      throw tooMany(
        `The bodies of the publish requests in flight would take more than ${bytesInFlightMax} bytes, which is the bound`,
      )
    }
    this.bytes += bytes
  }
}

function tooMany(what: string): ServiceError {
  const advice = `${what}. Nothing of this request was written; send it again after ${retryAfterSeconds} s.`
  return new ServiceError('too_many_requests', advice, { retryAfterSeconds })
}
