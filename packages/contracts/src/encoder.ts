import { WriterFullError } from './binary-writer.ts'
import { compileEncoder } from './compile-encoder.ts'
import { EncodeContext, pathSegment, type ValueEncoder } from './encode-context.ts'
import type { JsonObject } from './encode-record.ts'
import { timestampMs } from './encode-temporal.ts'
import type { EncodeLimits, EventProblem } from './event-problem.ts'
import type { RecordSchema } from './schema.ts'
import { wireHeaderBytes, writeWireHeader } from './wire-format.ts'

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
  readonly #schemaId: number
  readonly #root: ValueEncoder
  readonly #fields: EventFields
  readonly #timeUnit: 'millis' | 'micros'
  readonly #key: (event: JsonObject) => string | null
  readonly #id: ((event: JsonObject) => string | null) | undefined

  /** The fields must be what `checkEventFields` allows; loading contracts sees to that. */
  constructor(schema: RecordSchema, schemaId: number, fields: EventFields, limits: EncodeLimits) {
    this.#context = new EncodeContext(limits)
    this.#schemaId = schemaId
    this.#root = compileEncoder(schema)
    this.#fields = fields
    const time = schema.fields.find((field) => field.name === fields.eventTime)?.schema
    const micros = time?.type === 'long' && time.logical?.name === 'timestamp-micros'
    this.#timeUnit = micros ? 'micros' : 'millis'
    this.#key = textOf(schema, fields.key)
    this.#id = fields.id === undefined ? undefined : textOf(schema, fields.id)
  }

  /** Never throws for what the value holds: everything that is wrong with it is in `errors`. */
  encode(json: unknown): EncodeResult {
    const context = this.#context
    context.reset(wireHeaderBytes)
    try {
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
    const value = context.writer.copy()
    writeWireHeader(value, this.#schemaId)
    const key = this.#key(event)
    return {
      ok: true,
      value,
      key: key === null ? null : Buffer.from(key),
      id,
      eventTimeMs: timestampMs(event[this.#fields.eventTime], this.#timeUnit),
    }
  }
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
  return (event) => {
    const value = (Object.hasOwn(event, name) ? event[name] : undefined) ?? absent
    if (value === null) return null
    const text = typeof value === 'string' ? value : String(value)
    return isUuid ? text.toLowerCase() : text
  }
}
