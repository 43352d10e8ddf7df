type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

const exact: Reviver = (_key, value, context) =>
  typeof value === 'number' ? (context.source ?? String(value)) : value

/** JSON whose numbers are the texts that they were written as: JavaScript's would lose digits. */
export function parseExactJson(text: string): unknown {
  return (JSON.parse as (text: string, reviver: Reviver) => unknown)(text, exact)
}
