import type { ColumnChange, Comparison, ViewComparison } from '../../comparison.ts'
import { count, countOf, showTime } from '../figures.ts'
import { plainLine } from '../plain-text.ts'
import { formatTable } from '../table.ts'
import { samplesText } from './render-samples.ts'

const verdictTexts = {
  equal: 'nothing differs that was not declared',
  different: 'rows differ that were not declared',
  not_comparable: 'not everything could be compared',
} as const

/** What a comparison found: a row for each view, then what differs in each. */
export function comparisonText(comparison: Comparison, release: number): string {
  const { with_release, compared_at, verdict, views } = comparison
  const head = `Release ${release} beside release ${with_release}, compared at ${showTime(compared_at)}: ${verdictTexts[verdict]}.\n`
  const header = ['view', 'verdict', 'equal', 'changed', 'only old', 'only new']
  const rows = views.map((each) => [
    each.view,
    each.verdict.replaceAll('_', ' '),
    count(each.equal),
    count(each.changed),
    count(each.only_old),
    count(each.only_new),
    count(each.unsettled),
    count(each.expected),
    count(each.unexplained),
  ])
  const table = formatTable([[...header, 'unsettled', 'expected', 'unexplained'], ...rows], {
    right: [2, 3, 4, 5, 6, 7, 8],
  })
  const details = views.map((each) => viewText(each, with_release, release))
  return `${head}\n${table}${details.filter((text) => text !== '').join('')}`
}

function viewText(view: ViewComparison, oldRelease: number, newRelease: number): string {
  const { reason, schema_changes, changed_by_column, samples } = view
  const lines: string[] = []
  if (reason !== undefined) lines.push(plainLine(reason))
  if (schema_changes.length > 0) lines.push(`columns: ${columnChangesText(schema_changes)}`)
  const columns = Object.entries(changed_by_column).map(
    ([column, rows], index) =>
      `${plainLine(column)} in ${index === 0 ? countOf(rows, 'row') : count(rows)}`,
  )
  if (columns.length > 0) lines.push(`differs: ${columns.join(', ')}`)
  const told = lines.map((line) => `  ${line}\n`).join('')
  const shown = samples.length === 0 ? '' : samplesText(samples, oldRelease, newRelease)
  return told === '' && shown === '' ? '' : `\n${view.view}\n${told}${shown}`
}

/** `+ gate STRING, - carrier STRING, delay INT → BIGINT`. */
export function columnChangesText(changes: readonly ColumnChange[]): string {
  const texts = changes.map(({ column, old_type, new_type }) => {
    if (old_type === null) return `+ ${column} ${new_type}`
    return new_type === null ? `- ${column} ${old_type}` : `${column} ${old_type} → ${new_type}`
  })
  return plainLine(texts.join(', '))
}
