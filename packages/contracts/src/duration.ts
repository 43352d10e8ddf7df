import { didYouMean } from './suggest.ts'

const unitMs = new Map([
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
  ['millisecond', 1],
])

const forms = '"500 milliseconds", "90 seconds", "5 minutes", "1 hour" or "2 days"'

/** A text is not a duration; the message says what was got and which forms there are. */
export class DurationError extends Error {
  readonly code = 'bad_duration'

  constructor(message: string) {
    super(message)
    this.name = 'DurationError'
  }
}

/**
 * Milliseconds of a duration as people write it: `90 seconds`, `5 minutes`, `1 hour`, `2 days`,
 * `500 milliseconds`. A whole number, one unit, singular or plural.
 *
 * @throws DurationError
 */
export function parseDuration(text: string): number {
  const parts = /^\s*(\d+)\s+([A-Za-z]+)\s*$/.exec(text)
  if (parts === null) {
    throw new DurationError(
      `expected a duration such as ${forms}, got ${JSON.stringify(text.slice(0, 80))}`,
    )
  }
  const [, count = '', unit = ''] = parts
  const singular = unit.toLowerCase().replace(/s$/, '')
  const factor = unitMs.get(singular)
  if (factor === undefined) {
    const units = [...unitMs.keys()].map((name) => `${name}s`)
    throw new DurationError(
      `unknown unit "${unit.slice(0, 40)}" in the duration ${JSON.stringify(text.slice(0, 80))}` +
        `${didYouMean(unit, units)}; write ${forms}`,
    )
  }
  const ms = Number(count) * factor
  if (!Number.isSafeInteger(ms)) {
    throw new DurationError(`the duration ${JSON.stringify(text.slice(0, 80))} is too long`)
  }
  return ms
}

/** The shortest text with a whole number that `parseDuration` reads back as the same milliseconds. */
export function formatDuration(ms: number): string {
  if (!Number.isSafeInteger(ms) || ms < 0) {
    throw new RangeError(`a duration is a whole number of milliseconds >= 0, got ${ms}`)
  }
  if (ms === 0) return '0 seconds'
  for (const [unit, factor] of unitMs) {
    if (ms % factor === 0) {
      const count = ms / factor
      return `${count} ${unit}${count === 1 ? '' : 's'}`
    }
  }
  return `${ms} milliseconds`
}
