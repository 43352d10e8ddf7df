import { setTimeout as delay } from 'node:timers/promises'
import { type Publication, publishImport } from '../platform/publish.ts'

/** A Spark that is given events without a pause never rests, and takes the cores of all others. */
const chunkMs = 2_000

/** Publishes events at a steady rate, in order, until all are published or it is stopped. */
export function importSteadily(
  ingestUrl: () => string,
  publications: readonly Publication[],
  options: { topic: (name: string) => string; eventsPerSecond: number; disorder?: string },
): { readonly published: () => number; stop(): Promise<number>; finished: Promise<void> } {
  const over = new AbortController()
  const step = Math.max(1, Math.round((options.eventsPerSecond * chunkMs) / 1_000))
  let published = 0
  const finished = (async () => {
    while (published < publications.length && !over.signal.aborted) {
      const begun = performance.now()
      const chunk = publications.slice(published, published + step)
      await publishImport(ingestUrl(), chunk, options)
      published += chunk.length
      const wait = Math.max(0, chunkMs - (performance.now() - begun))
      await delay(wait, undefined, { signal: over.signal }).catch(() => undefined)
    }
  })()
  // Whoever stops it is told; until then a failure is no unhandled one.
  finished.catch(() => undefined)
  return {
    published: () => published,
    finished,
    async stop() {
      over.abort()
      await finished
      return published
    },
  }
}
