import { isDeepStrictEqual } from 'node:util'
import { type Static, Type } from 'typebox'

const pointer = Type.String({
  maxLength: 2_000,
  description: 'JSON Pointer (RFC 6901).',
  examples: ['/delay_minutes'],
})
const value = Type.Unknown()
const op = <Name extends string>(name: Name) => ({ op: Type.Literal(name), path: pointer })

const operation = Type.Union([
  Type.Object({ ...op('add'), value }),
  Type.Object(op('remove')),
  Type.Object({ ...op('replace'), value }),
  Type.Object({ ...op('move'), from: pointer }),
  Type.Object({ ...op('copy'), from: pointer }),
  Type.Object({ ...op('test'), value }),
])

export const jsonPatch = Type.Array(operation, {
  minItems: 1,
  maxItems: 100,
  title: 'JSON Patch',
  description: 'RFC 6902. Applied as a whole or not at all.',
})

export type JsonPatch = Static<typeof jsonPatch>
type Operation = JsonPatch[number]

/** An operation that cannot be done on this document; `message` says which and why. */
export class PatchError extends Error {}

/**
 * Applies a JSON Patch (RFC 6902) to a JSON value. Own members only are seen and set, so that no
 * path leads to what all objects share; that is why no library does this here.
 *
 * @param bytesMax bound on the document as JSON text; copying doubles it with each operation
 * @returns the new document; the given one may have been changed and must not be used any more
 * @throws PatchError
 */
export function applyPatch(document: unknown, patch: JsonPatch, bytesMax: number): unknown {
  const root = { document }
  for (const [index, operation] of patch.entries()) {
    try {
      apply(root, operation)
      if (operation.op === 'copy') checkSize(root.document, bytesMax)
    } catch (error) {
      const known = error instanceof PatchError || error instanceof RangeError
      if (!known) throw error
      // A RangeError: nested deeper than the stack.
      throw new PatchError(
        `operation ${index} (${operation.op} ${operation.path || 'the whole'}): ${error.message}`,
        { cause: error },
      )
    }
  }
  return root.document
}

interface Root {
  document: unknown
}

function apply(root: Root, operation: Operation): void {
  const path = parsePointer(operation.path)
  switch (operation.op) {
    case 'add':
      add(root, path, structuredClone(operation.value))
      break
    case 'remove':
      remove(root, path)
      break
    case 'replace':
      remove(root, path, structuredClone(operation.value))
      break
    case 'copy':
      add(root, path, structuredClone(get(root, parsePointer(operation.from))))
      break
    case 'move': {
      const from = parsePointer(operation.from)
      if (from.length < path.length && from.every((token, at) => token === path[at])) {
        throw new PatchError('a value cannot be moved into itself')
      }
      add(root, path, remove(root, from))
      break
    }
    case 'test':
      if (!isDeepStrictEqual(get(root, path), operation.value)) {
        throw new PatchError('the value is another one')
      }
  }
}

function parsePointer(text: string): string[] {
  if (text === '') return []
  if (!text.startsWith('/')) throw new PatchError(`"${text}" is no JSON Pointer: begin it with /`)
  return text
    .slice(1)
    .split('/')
    .map((token) => {
      if (/~(?![01])/.test(token)) throw new PatchError('after ~ comes 0 or 1 in a JSON Pointer')
      return token.replaceAll('~1', '/').replaceAll('~0', '~')
    })
}

function get(root: Root, path: readonly string[]): unknown {
  let found: unknown = root.document
  for (const [depth, token] of path.entries()) {
    if (Array.isArray(found)) found = found[indexOf(found, token, path, depth)]
    else if (isObject(found) && Object.hasOwn(found, token)) found = found[token]
    else throw missing(path, depth)
  }
  return found
}

function add(root: Root, path: readonly string[], value: unknown): void {
  const last = path.at(-1)
  if (last === undefined) {
    root.document = value
    return
  }
  const parent = get(root, path.slice(0, -1))
  if (Array.isArray(parent)) {
    const end = last === '-' || last === String(parent.length)
    parent.splice(end ? parent.length : indexOf(parent, last, path, path.length - 1), 0, value)
  } else if (isObject(parent)) {
    define(parent, last, value)
  } else {
    throw missing(path, path.length - 1)
  }
}

/** @returns what was there; `replacement`, if given, is there now */
function remove(root: Root, path: readonly string[], ...replacement: [] | [unknown]): unknown {
  const found = get(root, path)
  const last = path.at(-1)
  if (last === undefined) {
    if (replacement.length === 0) throw new PatchError('the whole event cannot be removed')
    root.document = replacement[0]
    return found
  }
  const parent = get(root, path.slice(0, -1))
  if (Array.isArray(parent)) parent.splice(Number(last), 1, ...replacement)
  else if (isObject(parent) && replacement.length === 1) define(parent, last, replacement[0])
  else if (isObject(parent)) delete parent[last]
  return found
}

/** Unlike an assignment, it gives a member of the name `__proto__` no meaning. */
function define(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  })
}

function indexOf(
  array: readonly unknown[],
  token: string,
  path: readonly string[],
  depth: number,
): number {
  const index = /^(0|[1-9]\d{0,8})$/.test(token) ? Number(token) : Number.NaN
  if (index < array.length) return index
  throw missing(path, depth)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function missing(path: readonly string[], depth: number): PatchError {
  return new PatchError(`the event has nothing at /${path.slice(0, depth + 1).join('/')}`)
}

function checkSize(document: unknown, bytesMax: number): void {
  const bytes = Buffer.byteLength(JSON.stringify(document))
  if (bytes <= bytesMax) return
  throw new PatchError(`the event takes ${bytes} bytes then; the bound is ${bytesMax} bytes`)
}
