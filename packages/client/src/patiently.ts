import { setTimeout as sleep } from 'node:timers/promises'
import { type BackoffOptions, backoffMs } from './backoff.ts'
import { ApiError, ConnectionError } from './errors.ts'

export interface Patience extends BackoffOptions {
  /** How long it is asked again; a call on its way is not cut off. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** Whether a service may answer when it is asked again: it is away, starts anew, or is busy. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ConnectionError) return error.code !== 'aborted'
  return error instanceof ApiError && (error.status >= 500 || [408, 429].includes(error.status))
}

/**
 * Asks again while a service is away for a moment, after backoff that honours `Retry-After`.
 * @throws what `ask` threw last
 */
export async function patiently<T>(ask: () => Promise<T>, patience: Patience): Promise<T> {
  const deadline = performance.now() + patience.timeoutMs
  for (let attempt = 0; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      const retryAfterMs = error instanceof ApiError ? error.retryAfterMs : undefined
      const delayMs = backoffMs(attempt, patience, retryAfterMs)
      if (!isPassing(error) || performance.now() + delayMs > deadline) throw error
      await pause(delayMs, patience.signal)
    }
  }
}

/** @throws ConnectionError `aborted` */
export async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(delayMs, undefined, signal === undefined ? {} : { signal })
  } catch (cause) {
    throw new ConnectionError('aborted', 'the wait was cancelled', { cause })
  }
}
