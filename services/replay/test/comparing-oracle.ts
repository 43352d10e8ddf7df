import type { DifferenceSample, ExpectedViewDifferences } from '@kappa/applications/replay-record'
import type { ChangelogEntry } from './comparing-fixture.ts'

/** A row as the JSON text of each of its columns, so that no number is rounded. */
export type TextRow = Readonly<Record<string, string>>

export interface OracleEntry {
  readonly key: readonly (string | null)[]
  readonly row: TextRow | null
  readonly batch: number
}

export type Difference = Pick<DifferenceSample, 'kind' | 'key' | 'columns' | 'expected'>

/** What is known of the view, for an answer that owes nothing to Spark. */
export interface OracleView {
  readonly floating: ReadonlySet<string>
  readonly compareKeys: (a: readonly (string | null)[], b: readonly (string | null)[]) => number
}

export function entryOf({ key, row, batch }: OracleEntry): ChangelogEntry {
  const fields = Object.entries(row ?? {}).map(([name, text]) => `${JSON.stringify(name)}:${text}`)
  return { key, batch, row: row === null ? null : `{${fields.join(',')}}` }
}

/** Replays the log record by record, as whoever applies a changelog does. */
function fold(entries: readonly OracleEntry[]): Map<string, OracleEntry> {
  const rows = new Map<string, OracleEntry>()
  for (const entry of entries) {
    const key = JSON.stringify(entry.key)
    const known = rows.get(key)
    if (known === undefined || entry.batch >= known.batch) rows.set(key, entry)
  }
  return rows
}

export function compareInMemory(
  view: OracleView,
  logs: { old: readonly OracleEntry[]; new: readonly OracleEntry[] },
  expected: ExpectedViewDifferences,
  covered: (key: readonly (string | null)[]) => boolean,
): { equal: number; differences: Difference[] } {
  const [before, after] = [fold(logs.old), fold(logs.new)]
  const keys = new Map([...before, ...after].map(([key, entry]) => [key, entry.key]))
  const sorted = [...keys].sort(([, a], [, b]) => view.compareKeys(a, b))
  const differences: Difference[] = []
  let equal = 0
  for (const [key, values] of sorted) {
    const [a, b] = [before.get(key)?.row ?? null, after.get(key)?.row ?? null]
    if (a === null && b === null) continue
    if (a === null || b === null) {
      const kind = a === null ? 'only_new' : 'only_old'
      differences.push({ kind, key, columns: [], expected: covered(values) })
      continue
    }
    const columns = Object.keys(a).filter((name) => !same(view, expected, name, a, b))
    if (columns.length === 0) equal += 1
    else {
      const declared = columns.every((name) => expected.columns?.includes(name))
      differences.push({ kind: 'changed', key, columns, expected: covered(values) || declared })
    }
  }
  return { equal, differences }
}

function same(
  view: OracleView,
  expected: ExpectedViewDifferences,
  name: string,
  a: TextRow,
  b: TextRow,
): boolean {
  const [left = '', right = ''] = [a[name], b[name]]
  if (left === right) return true
  if (!view.floating.has(name) || left === 'null' || right === 'null') return false
  const [x, y] = [Number(JSON.parse(left)), Number(JSON.parse(right))]
  if (!Number.isFinite(x) || !Number.isFinite(y)) return Object.is(x, y)
  const tolerance = expected.tolerance?.[name] ?? 1e-9
  return Math.abs(x - y) <= tolerance * Math.max(Math.abs(x), Math.abs(y))
}

/** Unexplained ones first, each kind in turns. */
export function inTurns(differences: readonly Difference[], max: number): Difference[] {
  const turns = new Map<string, number>()
  const placed = differences.map((difference) => {
    const group = `${difference.kind} ${difference.expected}`
    const turn = (turns.get(group) ?? 0) + 1
    turns.set(group, turn)
    return { difference, turn }
  })
  const order = (text: string) => ['changed', 'only_new', 'only_old', 'unsettled'].indexOf(text)
  return placed
    .sort(
      (a, b) =>
        Number(a.difference.expected) - Number(b.difference.expected) ||
        a.turn - b.turn ||
        order(a.difference.kind) - order(b.difference.kind),
    )
    .slice(0, max)
    .map(({ difference }) => difference)
}
