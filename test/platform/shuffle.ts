import { seededRandom } from '../random.ts'
import type { Publication } from './publish.ts'

/**
 * Each event `copies` times, each copy displaced at random by less than the window in event time:
 * the disorder of the result is below the window. The same seed gives the same order.
 */
export function shuffleWithin(
  events: readonly Publication[],
  options: { windowMs: number; copies: number; seed: number },
): Publication[] {
  const random = seededRandom(options.seed)
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
