import type { DifferenceSample } from '@kappa/applications/replay-record'
import type { Row } from '@kappa/spark-connect/arrow-rows'

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown

/**
 * Samples as they are stored: in their order, as many as fit into `bytesMax` of JSON, since the
 * record that holds them is one message of Kafka.
 *
 * @param rows with `kind`, `key`, `old`, `new` (JSON or null), `columns`, `expected`
 */
export function samplesOf(rows: readonly Row[], bytesMax: number): DifferenceSample[] {
  const samples: DifferenceSample[] = []
  let bytes = 0
  for (const row of rows) {
    const sample: DifferenceSample = {
      kind: row.kind as DifferenceSample['kind'],
      key: String(row.key),
      old: parseRow(row.old as string | null),
      new: parseRow(row.new as string | null),
      columns: row.columns as string[],
      expected: row.expected === true,
    }
    bytes += Buffer.byteLength(JSON.stringify(sample))
    if (bytes > bytesMax) break
    samples.push(sample)
  }
  return samples
}

/** Numbers that JavaScript would round become text, so that two different ones never look the same. */
function parseRow(json: string | null): Record<string, unknown> | null {
  if (json === null) return null
  const exact: Reviver = (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && !isExact(value, source) ? source : value
  return (JSON.parse as (text: string, reviver: Reviver) => Record<string, unknown>)(json, exact)
}

function isExact(value: number, source: string): boolean {
  return digitsOf(String(value)) === digitsOf(source)
}

/** Significant digits of a number in decimal or scientific notation. */
function digitsOf(text: string): string {
  const [mantissa = ''] = text.toLowerCase().split('e')
  return mantissa.replaceAll(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '')
}
