/** Reads of the log that are under way at a time: they share one connection to each broker. */
export const readsInFlightMax = 32

/**
 * Results in the order of the items, with at most `inFlightMax` under way. Rejects with the first
 * failure; what was not begun by then is left.
 */
export async function mapInFlight<Item, Result>(
  items: readonly Item[],
  inFlightMax: number,
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  // One iterator for all: each takes the next item that nobody has.
  const waiting = items.entries()
  let failed = false
  const work = async () => {
    for (const [index, item] of waiting) {
      if (failed) return
      try {
        results[index] = await map(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(inFlightMax, items.length) }, work))
  return results
}
