import {
  type CompatibilityMode,
  compatibilityModes,
  defaultCompatibility,
  isCompatibilityMode,
} from './compatibility.ts'
import { DurationError, parseDuration } from './duration.ts'
import type { SourceDocument } from './json-document.ts'
import type { JsonPath } from './schema.ts'
import { didYouMean } from './suggest.ts'

/** What `topic.yaml` says. */
export interface TopicFile {
  readonly key: string
  readonly id: string | undefined
  readonly eventTime: string
  readonly partitions: number
  readonly earlinessMs: number
  readonly importDisorderMaxMs: number
  /** What each version has to be compatible with. */
  readonly compatibility: CompatibilityMode
}

const partitionsMax = 10_000
const keys = [
  'key',
  'id',
  'event_time',
  'partitions',
  'earliness',
  'import_disorder_max',
  'compatibility',
]

/** Reads the checked document of a topic.yaml; problems go to `report` and give undefined. */
export function readTopicFile(
  document: SourceDocument,
  report: (message: string, path: JsonPath) => void,
): TopicFile | undefined {
  const json = document.value
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    report(`expected the keys ${keys.join(', ')}`, [])
    return undefined
  }
  const given = json as Readonly<Record<string, unknown>>
  let valid = true
  const wrong = (message: string, path: JsonPath) => {
    report(message, path)
    valid = false
  }
  for (const key of Object.keys(given)) {
    if (!keys.includes(key)) {
      wrong(`unknown key "${key}"${didYouMean(key, keys)}; known: ${keys.join(', ')}`, [key])
    }
  }
  const field = (key: string): string => {
    const value = given[key]
    if (typeof value === 'string' && value !== '') return value
    const got = value === undefined ? 'it is missing' : `got ${JSON.stringify(value)}`
    wrong(`"${key}" names a field of the events: ${got}`, [key])
    return ''
  }
  const duration = (key: string, absent: string): number => {
    const value = given[key] ?? absent
    try {
      return parseDuration(String(value))
    } catch (error) {
      if (!(error instanceof DurationError)) throw error
      wrong(`"${key}": ${error.message}`, [key])
      return 0
    }
  }
  const compatibility = (): CompatibilityMode => {
    const value = given.compatibility ?? defaultCompatibility
    if (isCompatibilityMode(value)) return value
    const hint = didYouMean(String(value), compatibilityModes)
    const known = compatibilityModes.join(', ')
    wrong(`"compatibility" is one of ${known}; got ${JSON.stringify(value)}${hint}`, [
      'compatibility',
    ])
    return defaultCompatibility
  }
  const { partitions } = given
  const whole = typeof partitions === 'number' && Number.isInteger(partitions)
  if (!whole || partitions < 1 || partitions > partitionsMax) {
    const got = partitions === undefined ? 'it is missing' : `got ${JSON.stringify(partitions)}`
    wrong(`"partitions" is a whole number, 1 to ${partitionsMax}: ${got}`, ['partitions'])
  }
  const topic: TopicFile = {
    key: field('key'),
    id: given.id === undefined ? undefined : field('id'),
    eventTime: field('event_time'),
    partitions: Number(partitions),
    earlinessMs: duration('earliness', '5 minutes'),
    importDisorderMaxMs: duration('import_disorder_max', '1 hour'),
    compatibility: compatibility(),
  }
  return valid ? topic : undefined
}
