import { ServiceError } from '@kappa/service/errors'
import type { IngestLimits } from '../config.ts'

const retryAfterSeconds = 1

/** One admitted request's share of the bounds; `release` gives it back, once. */
export interface Lease {
  readonly client: string
  /** @throws ServiceError `too_many_requests` */
  reserve(bytes: number): void
  release(): void
}

interface Use {
  requests: number
  bytes: number
}

/**
 * Counts publish requests and the bytes of their bodies, in all and by client, and refuses what is
 * above the bounds: those of one client are lower, so that one that floods leaves room for others.
 */
export class InFlight {
  readonly total: Use = { requests: 0, bytes: 0 }
  readonly max: Readonly<Use>
  readonly #limits: IngestLimits
  readonly #byClient = new Map<string, Use>()

  constructor(limits: IngestLimits) {
    this.#limits = limits
    this.max = { requests: limits.requestsInFlightMax, bytes: limits.bytesInFlightMax }
  }

  /** @throws ServiceError `too_many_requests` */
  admit(client: string): Lease {
    const { requestsInFlightMax, clientRequestsInFlightMax } = this.#limits
    const { total } = this
    if (total.requests >= requestsInFlightMax) {
      throw tooMany('requests_in_flight', requestsInFlightMax, 'publish requests are in flight')
    }
    const own = this.#byClient.get(client) ?? { requests: 0, bytes: 0 }
    if (own.requests >= clientRequestsInFlightMax) {
      throw tooMany(
        'client_requests_in_flight',
        clientRequestsInFlightMax,
        'publish requests of this client are in flight',
      )
    }
    this.#byClient.set(client, own)
    total.requests++
    own.requests++
    let held = 0
    let released = false
    return {
      client,
      reserve: (bytes) => {
        this.#reserve(own, bytes, held)
        held += bytes
      },
      release: () => {
        if (released) return
        released = true
        total.requests--
        total.bytes -= held
        own.requests--
        own.bytes -= held
        if (own.requests === 0) this.#byClient.delete(client)
      },
    }
  }

  #reserve(own: Use, bytes: number, held: number): void {
    const { bytesInFlightMax, clientBytesInFlightMax } = this.#limits
    const { total } = this
    // A body above a bound by itself is let in when alone: it could never be sent otherwise.
    if (total.bytes > held && total.bytes + bytes > bytesInFlightMax) {
      throw tooMany('bytes_in_flight', bytesInFlightMax, 'bytes of publish requests are in flight')
    }
    if (own.bytes > held && own.bytes + bytes > clientBytesInFlightMax) {
      throw tooMany(
        'client_bytes_in_flight',
        clientBytesInFlightMax,
        "bytes of this client's publish requests are in flight",
      )
    }
    total.bytes += bytes
    own.bytes += bytes
  }
}

function tooMany(limit: string, bound: number, what: string): ServiceError {
  return new ServiceError(
    'too_many_requests',
    `At most ${bound} ${what} at once. Nothing of this request was written; send it again after ${retryAfterSeconds} s.`,
    { retryAfterSeconds, details: { limit, bound } },
  )
}
