/**
 * The changelog's key: a JSON array of the view's key columns, each as a JSON string or null, in
 * the very bytes that Spark writes (`to_json` by Jackson): the partition and the row are found by
 * these bytes.
 */
export function encodeKey(values: readonly (string | null)[]): string {
  return `[${values.map(encodeValue).join(',')}]`
}

// Jackson writes control characters without a short form in upper-case hex, JSON.stringify in lower.
function encodeValue(value: string | null): string {
  const json = JSON.stringify(value)
  if (!json.includes('\\u')) return json
  return json.replace(/(?<!\\)((?:\\\\)*)\\u([0-9a-f]{4})/g, upperCaseEscape)
}

function upperCaseEscape(_match: string, backslashes: string, hex: string): string {
  return `${backslashes}\\u${hex.toUpperCase()}`
}
