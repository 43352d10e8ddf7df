import { isNode, LineCounter, parseDocument } from 'yaml'
import { parseExactJson } from './exact-json.ts'
import type { JsonPath } from './schema.ts'

/** JSON or YAML with the lines of its parts, so that errors can point at them. */
export interface SourceDocument {
  readonly text: string
  readonly value: unknown
  /** 1-based line of the part, or of the nearest part around it that exists. */
  readonly lineOf: (path: JsonPath) => number | undefined
}

export interface SourceProblem {
  readonly line?: number
  readonly message: string
}

/**
 * Parses JSON. Whole numbers that a double cannot hold become bigint (defaults of longs).
 * Duplicate keys are a problem: JSON.parse would silently take the last.
 */
export function parseJsonDocument(text: string): SourceDocument | SourceProblem {
  let value: unknown
  try {
    value = parseExactJson(text)
  } catch (error) {
    const at = /at position (\d+)/.exec(String(error))?.[1]
    const line = at === undefined ? text.split('\n').length : lineAt(text, Number(at))
    return { line, message: `not valid JSON: ${(error as Error).message}` }
  }
  // JSON is read as YAML a second time only for the places of its parts.
  const located = locate(text)
  return 'message' in located ? located : { text, value, lineOf: located.lineOf }
}

/** Parses one YAML document (1.2 core schema). */
export function parseYamlDocument(text: string): SourceDocument | SourceProblem {
  return locate(text)
}

function locate(text: string): SourceDocument | SourceProblem {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error !== undefined) {
    return { line: lines.linePos(error.pos[0]).line, message: error.message }
  }
  return {
    text,
    value: document.toJS({ maxAliasCount: 0 }) as unknown,
    lineOf(path) {
      for (let length = path.length; length >= 0; length--) {
        const node: unknown =
          length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
        if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
      }
      return undefined
    },
  }
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length
}
