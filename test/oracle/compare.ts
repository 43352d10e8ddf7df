import type { Row, Value } from './database.ts'

/** Rows as JSON gives them, such as those of the results API. */
export type ActualRow = Readonly<Record<string, unknown>>

/** What was expected: see `expectedView`. */
export type Expected = {
  readonly rows: readonly Row[]
  readonly key: readonly string[]
  /** Columns that are equal within a relative 1e-9; all others must be equal exactly. */
  readonly doubles: ReadonlySet<string>
}

export type Difference = { key: string; column: string; expected: unknown; actual: unknown }

export type Comparison = {
  readonly equal: number
  readonly missing: number
  readonly extra: number
  readonly different: number
  /** The first few keys or columns of each sort. */
  readonly samples: { missing: string[]; extra: string[]; different: Difference[] }
}

const SAMPLES_MAX = 5
const RELATIVE_TOLERANCE = 1e-9

/**
 * Compares rows with the expected ones by the view's key. Rows must have the same columns. A second
 * row of one key is extra.
 */
export function compareRows(expected: Expected, actual: readonly ActualRow[]): Comparison {
  const counts = { equal: 0, missing: 0, extra: 0, different: 0 }
  const samples: Comparison['samples'] = { missing: [], extra: [], different: [] }
  const sample = <Sample>(list: Sample[], item: Sample) => {
    if (list.length < SAMPLES_MAX) list.push(item)
  }
  const wanted = new Map(expected.rows.map((row) => [keyOf(row, expected.key), row]))
  if (wanted.size !== expected.rows.length) {
    throw new Error(`The expected rows are not unique by [${expected.key.join(', ')}]`)
  }

  for (const row of actual) {
    const key = keyOf(row, expected.key)
    const want = wanted.get(key)
    if (want === undefined) {
      counts.extra += 1
      sample(samples.extra, key)
      continue
    }
    wanted.delete(key)
    const columns = new Set([...Object.keys(want), ...Object.keys(row)])
    const differences = [...columns].filter(
      (column) => !equal(want[column], row[column], expected.doubles.has(column)),
    )
    if (differences.length === 0) counts.equal += 1
    else counts.different += 1
    for (const column of differences) {
      sample(samples.different, { key, column, expected: want[column], actual: row[column] })
    }
  }
  counts.missing = wanted.size
  for (const key of wanted.keys()) sample(samples.missing, key)
  return { ...counts, samples }
}

/** Throws, with samples, unless all rows are equal and there is at least one. */
export function assertSameRows(
  name: string,
  expected: Expected,
  actual: readonly ActualRow[],
): Comparison {
  const comparison = compareRows(expected, actual)
  const { equal, missing, extra, different, samples } = comparison
  if (missing + extra + different > 0 || equal === 0) {
    const details = JSON.stringify(samples, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    throw new Error(
      `${name}: ${equal} rows equal, ${missing} missing, ${extra} extra, ${different} different; ${details}`,
    )
  }
  return comparison
}

function keyOf(row: ActualRow, key: readonly string[]): string {
  return JSON.stringify(key.map((column) => (row[column] === null ? null : String(row[column]))))
}

function equal(expected: Value | undefined, actual: unknown, double: boolean): boolean {
  if (expected === undefined || expected === null) return actual === expected
  if (double) {
    if (typeof expected !== 'number' || typeof actual !== 'number') return expected === actual
    const scale = Math.max(Math.abs(expected), Math.abs(actual))
    return Math.abs(expected - actual) <= RELATIVE_TOLERANCE * scale
  }
  // JSON has no integers beyond 2^53: there they are texts.
  if (typeof expected === 'bigint') return actual === expected || actual === String(expected)
  return actual === expected
}
