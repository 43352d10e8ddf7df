/** A column of a row as it is written: the JSON text of its name and of its value. */
export interface RowMember {
  readonly name: string
  readonly json: string
}

/**
 * Takes a row, a JSON object that Spark has written, apart without reading its values: so no number
 * loses a digit.
 */
export function rowMembers(row: string): RowMember[] {
  const members: RowMember[] = []
  let at = row.indexOf('{') + 1
  while (row[at] === '"') {
    const nameEnd = endOfText(row, at)
    const valueStart = nameEnd + 1
    const valueEnd = endOfValue(row, valueStart)
    members.push({
      name: JSON.parse(row.slice(at, nameEnd)),
      json: row.slice(valueStart, valueEnd),
    })
    // The comma, or the brace at the end.
    at = valueEnd + 1
  }
  return members
}

/** @param at of the opening quote; returns what is after the closing one */
function endOfText(json: string, at: number): number {
  for (let index = at + 1; index < json.length; index += 1) {
    if (json[index] === '\\') index += 1
    else if (json[index] === '"') return index + 1
  }
  throw new SyntaxError('a text without an end')
}

function endOfValue(json: string, start: number): number {
  let depth = 0
  for (let index = start; index < json.length; index += 1) {
    const character = json[index]
    if (character === '"') index = endOfText(json, index) - 1
    else if (character === '{' || character === '[') depth += 1
    else if (depth > 0 && (character === '}' || character === ']')) depth -= 1
    else if (depth === 0 && (character === ',' || character === '}')) return index
  }
  throw new SyntaxError('a value without an end')
}
