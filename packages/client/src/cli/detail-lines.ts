import { plainLine } from './plain-text.ts'

const linesMax = 20
const charactersMax = 400

/** What an error tells beside its message, a line each: problems as sentences, the rest as JSON. */
export function detailLines(details: unknown): string[] {
  if (details === undefined || details === null) return []
  const all = Array.isArray(details)
    ? details.map(describe)
    : typeof details === 'object'
      ? Object.entries(details).flatMap(([name, value]) => ofPart(name, value))
      : [describe(details)]
  const shown = all.slice(0, linesMax)
  return all.length > linesMax ? [...shown, `and ${all.length - linesMax} more`] : shown
}

function ofPart(name: string, value: unknown): string[] {
  if (Array.isArray(value)) return value.map((each) => `${plainLine(name)}: ${describe(each)}`)
  return [`${plainLine(name)}: ${describe(value)}`]
}

function describe(value: unknown): string {
  if (typeof value === 'string') return plainLine(value, charactersMax)
  if (typeof value === 'object' && value !== null && 'message' in value) {
    const code = 'code' in value ? ` (${value.code})` : ''
    return plainLine(`${value.message}${code}`, charactersMax)
  }
  return plainLine(JSON.stringify(value), charactersMax)
}
