import type { FollowedEvent } from '../../follow-view.ts'
import { showValue } from '../plain-text.ts'

/** Numbers are texts, as they were written. */
interface ToldRow {
  readonly key: readonly unknown[]
  readonly row: Readonly<Record<string, unknown>>
}

/** A change in one line; empty for what tells no change. @param key names of the key columns */
export function changeLine({ type, data }: FollowedEvent, key: readonly string[]): string {
  if (type === 'row') return rowLine(parseAsWritten(data) as ToldRow, key)
  if (type === 'delete') return `- ${keyText((parseAsWritten(data) as ToldRow).key)}`
  if (type === 'release') {
    const { from, to } = JSON.parse(data) as { readonly from: number; readonly to: number }
    return `release ${from} → ${to}`
  }
  return ''
}

/** The event as `ViewEvent` has it, without parsing it: so no number loses a digit. */
export function eventJson({ type, id, data }: FollowedEvent): string {
  const place = id === undefined ? '' : `"id":${JSON.stringify(id)},`
  const isMeta = type === 'snapshot' || type === 'current'
  return `{"type":"${type}",${place}${isMeta ? `"meta":${data}}` : data.slice(1)}`
}

function rowLine({ key, row }: ToldRow, keyNames: readonly string[]): string {
  const values = Object.entries(row)
    .filter(([name, value]) => !(keyNames.includes(name) && key[keyNames.indexOf(name)] === value))
    .map(([name, value]) => `${showValue(name)}=${valueText(value)}`)
  return `+ ${keyText(key)}  ${values.join(' ')}`.trimEnd()
}

/** As `kappa query --key` takes it. */
function keyText(key: readonly unknown[]): string {
  const isPlain = key.every((value) => value !== null && /^[^,[]+$/.test(String(value)))
  return showValue(isPlain ? key.join(',') : key)
}

/** A text that would not end where it ends is quoted. */
function valueText(value: unknown): string {
  if (value === null) return ''
  const isPlain = typeof value !== 'string' || /^[^\s="]+$/.test(value)
  return showValue(isPlain ? value : JSON.stringify(value))
}

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

const asWritten: Reviver = (_key, value, { source }) =>
  typeof value === 'number' ? (source ?? String(value)) : value

function parseAsWritten(json: string): unknown {
  return (JSON.parse as (text: string, reviver: Reviver) => unknown)(json, asWritten)
}
