import { createHash } from 'node:crypto'

/**
 * A schema id that everyone computes alike, without a registry to ask: the first 31 bits of the
 * SHA-256 of the normalized schema, as an int32 > 0. Two schemas can share one by chance (one in
 * two billion for a pair); loading contracts refuses that.
 */
export function schemaIdOf(schemaJson: unknown): number {
  const hash = createHash('sha256').update(normalizeSchema(schemaJson)).digest()
  return hash.readInt32BE(0) & 0x7fffffff || 1
}

const named = new Set(['record', 'enum', 'fixed', 'error'])
/**
 * Nothing that reads or writes data depends on them. `avro.java.string` is what Java's compiler
 * adds to every text of the classes that it makes, and to the schemas that these look up.
 */
const ignored = new Set(['doc', 'namespace', 'avro.java.string'])

/**
 * The whole schema as text in one form: names in full, keys in order, no whitespace, no `doc`.
 * Unlike Avro's parsing canonical form it keeps defaults, logical types, aliases and all other
 * attributes, because readers behave differently by them.
 */
export function normalizeSchema(schemaJson: unknown): string {
  return stringify(normalize(schemaJson, '', new Set()))
}

function normalize(schema: unknown, namespace: string, names: Set<string>): unknown {
  if (typeof schema === 'string') {
    const full = qualify(schema, namespace)
    return names.has(full) ? full : schema
  }
  if (Array.isArray(schema)) return schema.map((part) => normalize(part, namespace, names))
  if (typeof schema !== 'object' || schema === null) return schema
  const json = schema as Readonly<Record<string, unknown>>
  const kept = Object.entries(json).filter(([key]) => !ignored.has(key))
  if (kept.length === 1 && json.type !== undefined) return normalize(json.type, namespace, names)
  const result = new Map<string, unknown>(kept)
  let inner = namespace
  if (typeof json.type === 'string' && named.has(json.type)) {
    const own = typeof json.namespace === 'string' ? json.namespace : namespace
    const full = qualify(String(json.name), own)
    names.add(full)
    result.set('name', full)
    inner = full.includes('.') ? full.slice(0, full.lastIndexOf('.')) : ''
    if (Array.isArray(json.aliases)) {
      result.set('aliases', json.aliases.map((alias) => qualify(String(alias), inner)).sort())
    }
  } else {
    result.set('type', normalize(json.type, namespace, names))
  }
  if (Array.isArray(json.fields)) {
    result.set(
      'fields',
      json.fields.map((field) => normalizeField(field, inner, names)),
    )
  }
  if (json.items !== undefined) result.set('items', normalize(json.items, namespace, names))
  if (json.values !== undefined) result.set('values', normalize(json.values, namespace, names))
  return result
}

function normalizeField(field: unknown, namespace: string, names: Set<string>): unknown {
  const json = field as Readonly<Record<string, unknown>>
  const result = new Map(Object.entries(json).filter(([key]) => key !== 'doc'))
  result.set('type', normalize(json.type, namespace, names))
  if (json.order === 'ascending') result.delete('order')
  if (Array.isArray(json.aliases)) result.set('aliases', json.aliases.map(String).sort())
  return result
}

function qualify(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}

/** JSON with the keys of every object in order; bigint as its digits. */
function stringify(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return `[${value.map(stringify).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = value instanceof Map ? [...value.entries()] : Object.entries(value)
  const sorted = (entries as [string, unknown][]).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, item]) => `${JSON.stringify(key)}:${stringify(item)}`).join(',')}}`
}
