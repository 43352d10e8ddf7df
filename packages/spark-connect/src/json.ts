/** JSON whose numbers are kept as their text, so that no int64 loses digits. */
export type ExactJson = string | boolean | null | ExactJson[] | { [key: string]: ExactJson }

export type ExactJsonObject = { [key: string]: ExactJson }

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

/** Parses JSON; every number becomes its source text. Throws SyntaxError on anything else. */
export function parseExactJson(text: string): ExactJson {
  const reviver: Reviver = (_key, value, context) =>
    typeof value === 'number' ? (context.source ?? String(value)) : value
  return (JSON.parse as (text: string, reviver: Reviver) => ExactJson)(text, reviver)
}

export function asObject(value: ExactJson | undefined): ExactJsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

export function asArray(value: ExactJson | undefined): ExactJson[] {
  return Array.isArray(value) ? value : []
}

export function asText(value: ExactJson | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** A count or a duration; absent or not a finite number (Spark writes rates as NaN) is 0. */
export function asNumber(value: ExactJson | undefined): number {
  const number = typeof value === 'string' && value !== '' ? Number(value) : 0
  return Number.isFinite(number) ? number : 0
}
