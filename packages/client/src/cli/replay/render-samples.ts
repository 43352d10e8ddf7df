import type { DifferenceSample } from '../../comparison.ts'
import { plainLine, showValue } from '../plain-text.ts'
import { formatTable } from '../table.ts'

const samplesMax = 10
const keyCharactersMax = 48
const valueCharactersMax = 32
const rowCharactersMax = 60

/** Rows side by side: of changed ones the columns that differ, of others the whole row. */
export function samplesText(
  samples: readonly DifferenceSample[],
  oldRelease: number,
  newRelease: number,
): string {
  // What has an explanation already needs no reader.
  const ordered = [...samples].sort((a, b) => Number(a.expected) - Number(b.expected))
  const shown = ordered.slice(0, samplesMax)
  const header = [
    'key',
    'difference',
    'column',
    `release ${oldRelease}`,
    '',
    `release ${newRelease}`,
  ]
  const table = formatTable([header, ...shown.flatMap(sampleRows)])
  const more = samples.length - shown.length
  const rest = more > 0 ? `${more} more samples: --json shows them\n` : ''
  return indent(`${table}${rest}`)
}

function sampleRows(sample: DifferenceSample): string[][] {
  const { kind, columns, expected } = sample
  const what = `${kind.replaceAll('_', ' ')}${expected ? ', expected' : ''}`
  const [before, after] = [sample.old, sample.new]
  const pairs =
    before !== null && after !== null && columns.length > 0
      ? columns.map((column) => [plainLine(column), cell(before, column), cell(after, column)])
      : [['', rowText(before), rowText(after)]]
  return pairs.map(([column = '', left = '', right = ''], index) => {
    const first = index === 0 ? [keyText(sample.key), what] : ['', '']
    return [...first, column, left, '→', right]
  })
}

/** A column that a release does not have is no value, and null is one. */
function cell(row: Readonly<Record<string, unknown>>, column: string): string {
  return Object.hasOwn(row, column) ? showValue(row[column], valueCharactersMax) : '-'
}

function rowText(row: Readonly<Record<string, unknown>> | null): string {
  if (row === null) return '-'
  const values = Object.entries(row).map(([column, value]) => `${column} ${showValue(value)}`)
  return plainLine(values.join(', '), rowCharactersMax)
}

function keyText(key: string): string {
  try {
    const values: unknown = JSON.parse(key)
    if (!Array.isArray(values)) return plainLine(key, keyCharactersMax)
    return plainLine(values.map((value) => showValue(value)).join(', '), keyCharactersMax)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return plainLine(key, keyCharactersMax)
  }
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}
