import type { DefinitionDiff, FieldChange, StreamDiff, ViewDiff } from '../../definition-diff.ts'
import { plainLine, plainText, showValue } from '../plain-text.ts'
import { columnChangesText } from './render-comparison.ts'

/** Marks a line of a diff, by colour on a terminal. */
export type Paint = (text: string, change: 'added' | 'removed') => string

/** What a replay of the folder would change, part by part. */
export function diffText(diff: DefinitionDiff, paint: Paint): string {
  const { application, release, views, streams = [], datasets = [], settings = [] } = diff
  const changed = (part: { readonly change: string }) => part.change !== 'same'
  const parts = [
    ...(settings.length === 0 ? [] : [`settings\n${fieldLines(settings)}`]),
    ...views.filter(changed).map((view) => viewText(view, paint)),
    ...streams.filter(changed).map(streamText),
    ...datasets.filter(changed).map(({ dataset, change, fields }) => {
      return `dataset ${dataset}: ${change}\n${fieldLines(fields)}`
    }),
  ]
  if (parts.length === 0) {
    const runs =
      release === null ? 'there is nothing to run' : `the folder is what release ${release} runs`
    return `${application}: ${runs}; a replay would change nothing.\n`
  }
  const beside = release === null ? 'no release is live' : `release ${release} is live`
  const head = `${application}: what a replay of the folder would change (${beside})\n`
  return [head, ...parts].join('\n')
}

function viewText(view: ViewDiff, paint: Paint): string {
  const { sql_diff, columns = [], fields } = view
  const head = `view ${view.view}: ${view.change}\n${fieldLines(fields)}`
  const changes = columns.length === 0 ? '' : `  columns: ${columnChangesText(columns)}\n`
  if (sql_diff === undefined || sql_diff === null) return `${head}${changes}`
  const lines = plainText(sql_diff)
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `  ${paintLine(line, paint)}\n`)
  return `${head}${changes}${lines.join('')}`
}

function paintLine(line: string, paint: Paint): string {
  if (line.startsWith('+')) return paint(line, 'added')
  return line.startsWith('-') ? paint(line, 'removed') : line
}

function streamText({ stream, change, fields, contract }: StreamDiff): string {
  const head = `stream ${stream}: ${change}\n${fieldLines(fields)}`
  if (contract === undefined) return head
  const { old_schema_id, new_schema_id } = contract
  const parts = [
    ['columns added', contract.columns_added],
    ['columns removed', contract.columns_removed],
    ['versions decoded from now on', contract.versions_added],
    ['versions not decoded any more', contract.versions_removed],
  ] as const
  const told = parts
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => `  ${name}: ${plainLine(list.join(', '))}\n`)
  return `${head}  contract: schema ${old_schema_id} → ${new_schema_id}\n${told.join('')}`
}

function fieldLines(fields: readonly FieldChange[] = []): string {
  return fields
    .map((each) => `  ${each.field}: ${fieldValue(each.old)} → ${fieldValue(each.new)}\n`)
    .join('')
}

function fieldValue(value: FieldChange['old']): string {
  if (value === null) return '-'
  return typeof value === 'object' ? plainLine(value.join(', ')) : showValue(value)
}
