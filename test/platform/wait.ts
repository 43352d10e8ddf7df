import { setTimeout as delay } from 'node:timers/promises'

const pollMs = 100

/**
 * Waits until a condition gives something other than undefined, and returns it.
 * @throws Error naming what was waited for, with the last reason, after `timeoutMs`
 */
export async function waitFor<T>(
  what: string,
  condition: () => Promise<T | undefined>,
  timeoutMs: number,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  let lastError: unknown
  while (Date.now() < deadline) {
    try {
      const value = await condition()
      if (value !== undefined) return value
    } catch (error) {
      lastError = error
    }
    await delay(pollMs)
  }
  throw new Error(`${what} did not come about within ${timeoutMs} ms.`, { cause: lastError })
}
