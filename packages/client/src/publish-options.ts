import type { BackoffOptions } from './backoff.ts'
import type { TransportOptions } from './transport.ts'

export interface PublisherOptions
  extends Omit<TransportOptions, 'connectionsMax'>,
    Partial<PublisherLimits> {
  /** `import`: history, in order, until the topic's first live event. Default `live`. */
  readonly mode?: 'live' | 'import'
  /** Only with `import`: how much older than the highest before it an event may be, `1 hour`. */
  readonly disorder?: string
  /** Versions of contracts to publish with, by topic; left out: the newest publishable one. */
  readonly versions?: Readonly<Record<string, number>>
  /** Whether ingest keeps rejected events, to be fixed and sent again. Default `keep`. */
  readonly rejected?: 'keep' | 'discard'
  /** One request at a time for each topic, so that events arrive in order. Always so in imports. */
  readonly ordered?: boolean
  /** What `publish` does when the queue is full. Default `wait`. */
  readonly whenFull?: 'wait' | 'reject'
  /** Of request bodies. Default `none`: right for the same machine. */
  readonly compression?: 'none' | 'gzip'
  /** CloudEvents source of events whose topic names no id field. */
  readonly source?: string
}

/** Every bound, each with its unit in its name. */
export interface PublisherLimits extends BackoffOptions {
  /** Events in one request. Default 500. */
  readonly batchEventsMax: number
  /** JSON text of one request. Default 1 MiB. A larger event is sent alone. */
  readonly batchBytesMax: number
  /** Longest wait for a batch to fill. Default 10. */
  readonly lingerMs: number
  /** Requests at once, which is also the number of connections. Default 4. */
  readonly requestsInFlightMax: number
  /** Events that are not settled yet, those in flight included. Default 100,000. */
  readonly queueEventsMax: number
  /** Their JSON text. Default 64 MiB. Request bodies that are being sent come on top. */
  readonly queueBytesMax: number
  /** Calls of `publish` that wait for room when `whenFull` is `wait`. Default 10,000. */
  readonly waitingEventsMax: number
  /** From `publish` to giving up, retries included. Default 2 minutes. */
  readonly deliveryTimeoutMs: number
}

export const limitDefaults: PublisherLimits = {
  batchEventsMax: 500,
  batchBytesMax: 1_048_576,
  lingerMs: 10,
  requestsInFlightMax: 4,
  queueEventsMax: 100_000,
  queueBytesMax: 64 * 1_048_576,
  waitingEventsMax: 10_000,
  deliveryTimeoutMs: 120_000,
  retryDelayMsMin: 100,
  retryDelayMsMax: 10_000,
}

/** @throws RangeError naming the option, what it has to be and what it is */
export function readLimits(options: Partial<PublisherLimits>): PublisherLimits {
  const limits: { -readonly [Name in keyof PublisherLimits]: number } = { ...limitDefaults }
  for (const name of Object.keys(limits) as (keyof PublisherLimits)[]) {
    const value = options[name] ?? limits[name]
    const least = name === 'lingerMs' ? 0 : 1
    if (!Number.isSafeInteger(value) || value < least) {
      throw new RangeError(`${name} is a whole number of at least ${least}, got ${String(value)}`)
    }
    limits[name] = value
  }
  return limits
}

/** @throws TypeError options that exclude each other */
export function checkOptions(options: PublisherOptions): void {
  if (options.disorder !== undefined && options.mode !== 'import') {
    throw new TypeError("disorder goes with mode: 'import' only; leave it out")
  }
}
