export interface Measure {
  readonly what: string
  readonly value: number
  readonly unit: string
}

/** One line of the table: what Kappa does, beside its peer of the same run. */
export interface Figure extends Measure {
  readonly peer?: Measure
  /** How the figure came about, or what belongs to it. */
  readonly note?: string
}

export function formatTable(figures: readonly Figure[]): string {
  const header = ['figure', 'Kappa', 'peer', '', 'ratio']
  const rows = figures.map(({ what, value, unit, peer }) => [
    what,
    `${formatNumber(value)} ${unit}`,
    peer === undefined ? '' : `${formatNumber(peer.value)} ${peer.unit}`,
    peer?.what ?? '',
    peer === undefined ? '' : (value / peer.value).toFixed(2),
  ])
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        // Numbers stand below each other at their ends.
        [1, 2, 4].includes(column)
          ? cell.padStart(widths[column] ?? 0)
          : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  const rule = widths.map((width) => '-'.repeat(width)).join('  ')
  const notes = figures.flatMap(({ what, note }) =>
    note === undefined ? [] : [`${what}: ${note}`],
  )
  return [line(header), rule, ...rows.map(line), '', ...notes].join('\n')
}

function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}

/** Nearest-rank percentile. @param part 0 to 1 */
export function percentile(values: readonly number[], part: number): number {
  if (values.length === 0) throw new RangeError('a percentile of nothing')
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN
}

export function formatSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
