import { WriterFullError } from './binary-writer.ts'
import { compileEncoder } from './compile-encoder.ts'
import { EncodeContext, pathSegment, type ValueEncoder } from './encode-context.ts'
import type { JsonObject } from './encode-record.ts'
import type { EncodeLimits, EventProblem } from './event-problem.ts'
import type { Field, RecordSchema, Schema } from './schema.ts'
import { toWireFormat } from './wire-format.ts'

/** Which fields of the record say how the event is keyed, identified and timed. */
export interface EventFields {
  readonly key: string
  readonly id: string | undefined
  readonly eventTime: string
}

export interface EncodedEvent {
  readonly ok: true
  /** Confluent wire format. */
  readonly value: Buffer
  /** UTF-8 of the key field; null when the field is null. */
  readonly key: Buffer | null
  /** The id field as text; undefined when the contract has none: make one. */
  readonly id: string | undefined
  /** Epoch milliseconds, rounded down from microseconds. */
  readonly eventTimeMs: number
}

export interface RefusedEvent {
  readonly ok: false
  readonly errors: readonly EventProblem[]
}

export type EncodeResult = EncodedEvent | RefusedEvent

/** Turns the JSON values of one version of a contract into events. Compiled once, used for each. */
export class EventEncoder {
  readonly #context: EncodeContext
  readonly #wireHeader: Buffer
  readonly #root: ValueEncoder
  readonly #fields: EventFields
  readonly #key: (event: JsonObject) => string | null
  readonly #id: ((event: JsonObject) => string | null) | undefined

  /** The fields must be what `checkEventFields` allows; loading contracts sees to that. */
  constructor(schema: RecordSchema, schemaId: number, fields: EventFields, limits: EncodeLimits) {
    this.#context = new EncodeContext(limits)
    this.#wireHeader = toWireFormat(schemaId, Buffer.alloc(0))
    this.#root = compileEncoder(schema, (field, encoder) => noteEventFields(field, encoder, fields))
    this.#fields = fields
    this.#key = textOf(schema, fields.key)
    this.#id = fields.id === undefined ? undefined : textOf(schema, fields.id)
  }

  /** Never throws for what the value holds: everything that is wrong with it is in `errors`. */
  encode(json: unknown): EncodeResult {
    const context = this.#context
    try {
      context.begin(this.#wireHeader)
      this.#root.encode(context, json)
    } catch (error) {
      if (!(error instanceof WriterFullError)) throw error
      const message = `the encoded event is larger than ${error.bytesMax} bytes`
      return { ok: false, errors: [{ code: 'too_large', message, path: '$' }] }
    }
    if (context.problems.length > 0) return { ok: false, errors: context.takeProblems() }
    const event = json as JsonObject
    const id = this.#id?.(event) ?? undefined
    if (id === '') return { ok: false, errors: [emptyId(this.#fields.id ?? '')] }
    const value = context.writer.take()
    const { keyStart, keyEnd, eventTimeMs } = context
    if (keyStart !== -1) {
      return { ok: true, value, key: value.subarray(keyStart, keyEnd), id, eventTimeMs }
    }
    const key = this.#key(event)
    return { ok: true, value, key: key === null ? null : Buffer.from(key), id, eventTimeMs }
  }
}

/** Notes the event's time, and where its key is in what was written, while they are at hand. */
function noteEventFields(field: Field, encoder: ValueEncoder, fields: EventFields): ValueEncoder {
  const { encode } = encoder
  if (field.name === fields.eventTime) {
    return {
      ...encoder,
      encode(context, value) {
        encode(context, value)
        if (context.depth === 1) context.eventTimeMs = context.instantMs
      },
    }
  }
  if (field.name === fields.key && isText(field.schema)) {
    return {
      ...encoder,
      encode(context, value) {
        encode(context, value)
        if (context.depth !== 1 || typeof value !== 'string') return
        context.keyStart = context.writer.textStart
        context.keyEnd = context.writer.length
      },
    }
  }
  return encoder
}

/** Text, perhaps nullable, whose UTF-8 is written as it is: no enum. */
function isText(schema: Schema): boolean {
  if (schema.type !== 'union') return schema.type === 'string'
  return schema.branches.every((branch) => branch.type === 'string' || branch.type === 'null')
}

/** All events without a real id would be taken for one event and counted once. */
function emptyId(field: string): EventProblem {
  const message = 'the id of an event cannot be empty: events with one id count once'
  return { code: 'empty_id', message, path: `$${pathSegment(field)}` }
}

/** Reads a field that is encoded as text, number or enum, in the one text form that it has. */
function textOf(schema: RecordSchema, name: string): (event: JsonObject) => string | null {
  const field = schema.fields.find((candidate) => candidate.name === name)
  const branches = field?.schema.type === 'union' ? field.schema.branches : [field?.schema]
  const isUuid = branches.some((part) => part?.type === 'string' && part.logical?.name === 'uuid')
  const absent = field?.default ?? null
  const inherited = name in Object.prototype
  return (event) => {
    const given = !inherited || Object.hasOwn(event, name) ? event[name] : undefined
    const value = given ?? absent
    if (value === null) return null
    const text = typeof value === 'string' ? value : String(value)
    return isUuid ? text.toLowerCase() : text
  }
}
