import type { JsonPath, RecordSchema, Schema } from './schema.ts'
import { describeSchema } from './schema.ts'
import { didYouMean } from './suggest.ts'
import type { TopicFile } from './topic-file.ts'

type Report = (message: string, path: JsonPath) => void

/** Column that Kappa adds to every stream. */
const identityColumn = '_id'

/** Checks that the fields that topic.yaml names are in this version and can do what they are for. */
export function checkEventFields(schema: RecordSchema, topic: TopicFile, report: Report): void {
  const find = (purpose: string, name: string) => {
    const index = schema.fields.findIndex((field) => field.name === name)
    const field = schema.fields[index]
    if (field === undefined) {
      const names = schema.fields.map((candidate) => candidate.name)
      report(
        `topic.yaml names the field "${name}" as ${purpose}, but this version has no such field${didYouMean(name, names)}`,
        ['fields'],
      )
      return undefined
    }
    const path = ['fields', index]
    return {
      field,
      report: (message: string) => report(`field "${name}" (${purpose}): ${message}`, path),
    }
  }

  const key = find('key', topic.key)
  if (key !== undefined && !isKey(key.field.schema)) {
    key.report(
      `a key is string, uuid, int, long or enum, or a union of one of these with null; got ${describeSchema(key.field.schema)}`,
    )
  }
  const id = topic.id === undefined ? undefined : find('id', topic.id)
  if (id !== undefined && !isId(id.field.schema)) {
    id.report(
      `an id is string, uuid, long or int and not null; got ${describeSchema(id.field.schema)}`,
    )
  }
  if (id !== undefined && id.field.default !== undefined) {
    id.report('an id has no default: all events without one would count as one event')
  }
  const time = find('event_time', topic.eventTime)
  if (time !== undefined && !isEventTime(time.field.schema)) {
    time.report(
      `the event time is a long with logicalType timestamp-millis or timestamp-micros and not null; got ${describeSchema(time.field.schema)}`,
    )
  }
  if (time !== undefined && time.field.default !== undefined) {
    time.report('the event time has no default: an event without a time must be refused')
  }
  checkColumnNames(schema, report)
}

/** SQL takes `Tail` and `tail` for one column, and Kappa adds `_id`. */
function checkColumnNames(schema: RecordSchema, report: Report): void {
  const seen = new Map<string, string>()
  for (const [index, { name }] of schema.fields.entries()) {
    const folded = name.toLowerCase()
    const other = seen.get(folded)
    if (other !== undefined) {
      report(`fields "${other}" and "${name}" differ in case only: SQL cannot tell them apart`, [
        'fields',
        index,
      ])
    }
    if (folded === identityColumn) {
      report(`the field name "${name}" is taken: Kappa adds the column ${identityColumn}`, [
        'fields',
        index,
      ])
    }
    seen.set(folded, name)
  }
}

function isPlain(schema: Schema, types: readonly string[]): boolean {
  if (!types.includes(schema.type)) return false
  return !('logical' in schema) || schema.logical === undefined || schema.logical.name === 'uuid'
}

function isKey(schema: Schema): boolean {
  const types = ['string', 'int', 'long', 'enum']
  if (schema.type !== 'union') return isPlain(schema, types)
  const values = schema.branches.filter((branch) => branch.type !== 'null')
  const [value] = values
  return values.length === 1 && value !== undefined && isPlain(value, types)
}

function isId(schema: Schema): boolean {
  return isPlain(schema, ['string', 'int', 'long'])
}

function isEventTime(schema: Schema): boolean {
  const name = schema.type === 'long' ? schema.logical?.name : undefined
  return name === 'timestamp-millis' || name === 'timestamp-micros'
}
