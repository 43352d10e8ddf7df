import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 50

/** Waits until `check` gives a value; fails with `what` after `timeoutMs`. */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 60_000,
): Promise<T> {
  const endsAt = performance.now() + timeoutMs
  for (;;) {
    const value = await check()
    if (value !== undefined) return value
    if (performance.now() > endsAt) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`)
    await delay(POLL_MS)
  }
}
