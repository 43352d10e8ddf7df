type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

const exact: Reviver = (_key, value, context) =>
  typeof value === 'number' && !Number.isSafeInteger(value)
    ? (context.source ?? String(value))
    : value

/** JSON whose numbers are texts where JavaScript's numbers might lose digits of them. */
export function parseExactJson(text: string): unknown {
  return (JSON.parse as (text: string, reviver: Reviver) => unknown)(text, exact)
}
