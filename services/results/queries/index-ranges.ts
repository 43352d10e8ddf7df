import type { Range } from '@kappa/view-store/view-store'
import { compareBytes } from '../encoding/compare-bytes.ts'
import { afterAll, firstValue } from '../encoding/sortable.ts'
import { type Condition, holds } from './condition.ts'

/** More are filtered out of one range instead. */
const rangesMax = 100
const lastCharacters = '\u{10ffff}\u{10ffff}'

export interface IndexRanges {
  /** Ascending, none touching another; empty where nothing can be found. */
  readonly ranges: readonly Range[]
  /** For how many of the first columns every entry in the ranges holds what is wanted. */
  readonly served: number
}

/**
 * The parts of an index in which all entries are that meet the conditions, and as few others as can be.
 * @param wanted of the columns that the index is ordered by, in their order; undefined for any value
 */
export function indexRanges(wanted: readonly (Condition | undefined)[]): IndexRanges {
  let begins = ['']
  let served = 0
  for (const condition of wanted) {
    if (condition?.anyOf === undefined) break
    const anyOf = condition.anyOf.filter((value) => holds(condition, value))
    if (begins.length * anyOf.length > rangesMax) break
    begins = begins.flatMap((begin) => anyOf.map((value) => begin + value))
    served += 1
  }
  const next = wanted[served]
  if (next === undefined || next.anyOf !== undefined) {
    return { ranges: begins.map(wholeOf), served }
  }
  return { ranges: begins.map((begin) => within(begin, next)), served: served + 1 }
}

function wholeOf(begin: string): Range {
  if (begin === '') return { start: '-', stop: '+' }
  return { start: `[${begin}`, stop: `(${afterAll(begin)}` }
}

function within(begin: string, { lower, upper, prefix }: Condition): Range {
  const starts = [`${begin}${prefix ?? firstValue}`]
  const stops = [
    prefix === undefined
      ? begin === ''
        ? undefined
        : afterAll(begin)
      : `${begin}${prefix}${lastCharacters}`,
  ]
  if (lower) starts.push(begin + (lower.inclusive ? lower.value : afterAll(lower.value)))
  if (upper) stops.push(begin + (upper.inclusive ? afterAll(upper.value) : upper.value))
  const start = starts.sort(compareBytes).at(-1) ?? ''
  const [stop] = stops.filter((text) => text !== undefined).sort(compareBytes)
  return { start: `[${start}`, stop: stop === undefined ? '+' : `(${stop}` }
}

/** What of the ranges is after an entry, in the order of reading. */
export function rangesAfter(
  ranges: readonly Range[],
  entry: string,
  descending: boolean,
): readonly Range[] {
  return ranges.flatMap((range) => {
    const { start, stop } = range
    const isBeforeStart = start !== '-' && compareBytes(entry, start.slice(1)) < 0
    const isBeforeStop = stop === '+' || compareBytes(entry, stop.slice(1)) < 0
    if (descending) {
      if (isBeforeStart) return []
      return isBeforeStop ? [{ start, stop: `(${entry}` }] : [range]
    }
    if (!isBeforeStop) return []
    return isBeforeStart ? [range] : [{ start: `(${entry}`, stop }]
  })
}
