import type { Publication } from './publish.ts'

/**
 * Each event `copies` times, each copy displaced at random by less than the window in event time:
 * the disorder of the result is below the window. The same seed gives the same order.
 */
export function shuffleWithin(
  events: readonly Publication[],
  options: { windowMs: number; copies: number; seed: number },
): Publication[] {
  const random = generator(options.seed)
  const placed = events.flatMap((publication) =>
    Array.from({ length: options.copies }, () => ({
      publication,
      place: eventTimeOf(publication) + random() * options.windowMs,
    })),
  )
  return placed.sort((a, b) => a.place - b.place).map(({ publication }) => publication)
}

function eventTimeOf({ event }: Publication): number {
  const { departed_at, arrived_at } = event as {
    departed_at?: string | number
    arrived_at?: string | number
  }
  return new Date(arrived_at ?? departed_at ?? Number.NaN).getTime()
}

/** Numbers from 0 to 1 (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
