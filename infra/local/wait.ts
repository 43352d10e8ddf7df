import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 50

/**
 * Asks again and again until the answer is something.
 *
 * @throws Error naming what was waited for, with the last error as its cause
 */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  options: { timeoutMs: number; signal?: AbortSignal },
): Promise<T> {
  const deadline = Date.now() + options.timeoutMs
  let cause: unknown
  for (;;) {
    options.signal?.throwIfAborted()
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
    } catch (error) {
      cause = error
    }
    if (Date.now() > deadline) {
      const last = cause instanceof Error ? ` Last error: ${cause.message}` : ''
      throw new Error(`${what} did not come within ${options.timeoutMs / 1000} s.${last}`, {
        cause,
      })
    }
    await delay(POLL_MS)
  }
}
