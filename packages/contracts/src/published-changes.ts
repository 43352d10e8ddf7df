import { join } from 'node:path'
import type { ContractFiles } from './earlier-state.ts'
import type { ContractProblem } from './errors.ts'
import { parseJsonDocument, parseYamlDocument, type SourceDocument } from './json-document.ts'
import { normalizeSchema } from './schema-id.ts'

type JsonObject = Readonly<Record<string, unknown>>

/** What of topic.yaml the events that are already in the log depend on, and how. */
const topicKeys: readonly (readonly [key: string, reason: string])[] = [
  ['key', 'events in the log have the keys and partitions of before'],
  ['id', 'the same event sent again would count twice'],
  ['event_time', 'events in the log were accepted by the time of before'],
  ['partitions', 'keys would move to other partitions, away from their earlier events'],
]

/**
 * What of the earlier files, which events in the log depend on, is changed or gone in the current
 * ones. Versions may change in what readers do not see: layout, order of keys, `doc`.
 */
export function publishedChanges(
  folder: string,
  earlier: ContractFiles,
  current: ContractFiles,
): ContractProblem[] {
  const topics = new Set([...earlier.keys()].map(topicOf))
  return [...topics].flatMap((topic) => {
    const files = [...earlier.keys()].filter((path) => topicOf(path) === topic)
    if (![...current.keys()].some((path) => topicOf(path) === topic)) {
      const message = `the topic "${topic}" was published and is gone: without its contract nobody can read its events; restore the folder`
      return [{ file: join(folder, topic), message, rule: 'published_topic' }]
    }
    const next = `${newestVersion(topic, current) + 1}.avsc`
    return files.flatMap((path) => {
      const [before = '', now] = [earlier.get(path), current.get(path)]
      const file = join(folder, path)
      if (path.endsWith('.yaml')) return now === undefined ? [] : topicChanges(file, before, now)
      return now === undefined ? [versionGone(file)] : versionChanges(file, before, now, next)
    })
  })
}

function versionGone(file: string): ContractProblem {
  const message =
    'this version was published and is gone: events in the log were written with it; restore the file'
  return { file, message, rule: 'published_version' }
}

function versionChanges(
  file: string,
  before: string,
  now: string,
  next: string,
): ContractProblem[] {
  const [was, is] = [parsed(parseJsonDocument(before)), parsed(parseJsonDocument(now))]
  // Loading says what is wrong with a file that cannot be parsed.
  if (was === undefined || is === undefined) return []
  if (normalizeSchema(was.value) === normalizeSchema(is.value)) return []
  const advice = `a version that was published never changes: restore it, and put the change into ${next}`
  const fields = changedFields(was.value, is.value).map(({ field, index, message }) => ({
    file,
    line: is.lineOf(index === -1 ? ['fields'] : ['fields', index]) ?? 1,
    message: `${message}; ${advice}`,
    field,
    rule: 'published_version',
  }))
  if (fields.length > 0) return fields
  const message = `the record's name, its aliases or the order of its fields changed; ${advice}`
  return [{ file, line: 1, message, rule: 'published_version' }]
}

interface ChangedField {
  readonly field: string
  /** In the current schema; -1 when the field is gone. */
  readonly index: number
  readonly message: string
}

function changedFields(was: unknown, is: unknown): ChangedField[] {
  const [before, now] = [fieldsOf(was), fieldsOf(is)]
  const changed: ChangedField[] = []
  for (const [field, { text }] of before) {
    const found = now.get(field)
    if (found === undefined) {
      changed.push({ field, index: -1, message: `field "${field}" was taken away` })
    } else if (found.text !== text) {
      const message = `field "${field}" was ${cut(text)} and is ${cut(found.text)}`
      changed.push({ field, index: found.index, message })
    }
  }
  for (const [field, { index }] of now) {
    if (!before.has(field)) changed.push({ field, index, message: `field "${field}" was added` })
  }
  return changed
}

/** Names of the fields with all that readers see of them, as text. */
function fieldsOf(schema: unknown): Map<string, { text: string; index: number }> {
  const { fields, namespace } = objectOf(schema)
  const list = Array.isArray(fields) ? (fields as unknown[]) : []
  return new Map(
    list.map((field, index) => {
      const alone = normalizeSchema({ type: 'record', name: 'R', namespace, fields: [field] })
      const text = alone.slice(alone.indexOf('[') + 1, alone.lastIndexOf(']'))
      return [String(objectOf(field).name), { text, index }] as const
    }),
  )
}

function topicChanges(file: string, before: string, now: string): ContractProblem[] {
  const [was, is] = [parsed(parseYamlDocument(before)), parsed(parseYamlDocument(now))]
  if (was === undefined || is === undefined) return []
  const [old, given] = [objectOf(was.value), objectOf(is.value)]
  return topicKeys.flatMap(([key, reason]) => {
    if (old[key] === given[key]) return []
    const line = is.lineOf([key]) ?? 1
    const message = `"${key}" was ${show(old[key])} and is ${show(given[key])}: ${reason}; restore it, or make a new topic`
    return [{ file, line, message, rule: 'published_topic' }]
  })
}

function parsed(document: SourceDocument | { readonly message: string }) {
  return 'message' in document ? undefined : document
}

function newestVersion(topic: string, current: ContractFiles): number {
  const versions = [...current.keys()].filter((path) => topicOf(path) === topic)
  return Math.max(...versions.map((path) => Number.parseInt(path.slice(topic.length + 1), 10) || 0))
}

function topicOf(path: string): string {
  return path.slice(0, path.indexOf('/'))
}

function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {}
}

function cut(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}

function show(value: unknown): string {
  return value === undefined ? 'not set' : JSON.stringify(value)
}
