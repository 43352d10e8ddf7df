export interface BackoffOptions {
  /** Upper end of the first delay. */
  readonly retryDelayMsMin: number
  /** Upper end of all delays. */
  readonly retryDelayMsMax: number
}

/**
 * Milliseconds before attempt `attempt + 1`: exponential with full jitter, so that clients that
 * failed together do not come back together, on top of what the server asked for.
 *
 * @param attempt attempts that failed before, from 0
 * @param random from 0 to 1
 */
export function backoffMs(
  attempt: number,
  options: BackoffOptions,
  retryAfterMs = 0,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(options.retryDelayMsMax, options.retryDelayMsMin * 2 ** attempt)
  return Math.ceil(retryAfterMs + random() * ceiling)
}
