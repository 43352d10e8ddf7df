import type { Schema } from '@kappa/contracts/schema'

/**
 * A cell as the JSON value of its field. What does not look like the type stays text: ingest says
 * what is wrong with it, in one way for every client.
 */
export function cellValue(schema: Schema, text: string): unknown {
  switch (schema.type) {
    case 'int':
    case 'float':
    case 'double':
      return 'logical' in schema && schema.logical !== undefined
        ? temporalCell(text)
        : numberCell(text)
    case 'long':
      // As text a long keeps all its digits.
      return schema.logical === undefined ? text.trim() : temporalCell(text)
    case 'boolean':
      return booleanCell(text)
    case 'null':
      return text === '' ? null : text
    case 'record':
    case 'map':
    case 'array':
      return jsonCell(text)
    case 'union':
      return unionCell(schema.branches, text)
    default:
      return text
  }
}

const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

function numberCell(text: string): unknown {
  const trimmed = text.trim()
  return jsonNumber.test(trimmed) ? Number(trimmed) : text
}

/** ISO 8601 stays text; digits alone are the type's own number. */
function temporalCell(text: string): unknown {
  const trimmed = text.trim()
  return /^-?\d+$/.test(trimmed) && Number.isSafeInteger(Number(trimmed))
    ? Number(trimmed)
    : trimmed
}

function booleanCell(text: string): unknown {
  const lower = text.trim().toLowerCase()
  return lower === 'true' || lower === 'false' ? lower === 'true' : text
}

function jsonCell(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON: ingest tells what was expected in its place.
    return text
  }
}

/** The first branch that the text looks like; a string takes what is left. */
function unionCell(branches: readonly Schema[], text: string): unknown {
  const typed = branches.filter(({ type }) => type !== 'null' && type !== 'string')
  for (const branch of typed) {
    const value = cellValue(branch, text)
    if (value !== text || branch.type === 'long') return value
  }
  return text
}
