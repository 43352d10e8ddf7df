import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'

const POLL_MS = 20
const SHOWN_CHARACTERS_MAX = 2_000

/**
 * Asks until `done`, and returns that answer.
 * @throws Error with the last answer after `timeoutMs`
 */
export async function until<T>(
  ask: () => T | Promise<T>,
  done: (answer: T) => boolean,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (done(answer)) return answer
    if (Date.now() > deadline) {
      const last = inspect(answer, { depth: 6 }).slice(0, SHOWN_CHARACTERS_MAX)
      throw new Error(`not within ${timeoutMs} ms; last: ${last}`)
    }
    await delay(POLL_MS)
  }
}
