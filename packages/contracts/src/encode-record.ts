import { BinaryWriter } from './binary-writer.ts'
import { writeDefault } from './default-value.ts'
import { type EncodeContext, pathSegment, type ValueEncoder } from './encode-context.ts'
import { defaultEncodeLimits, showValue } from './event-problem.ts'
import { describeSchema, type Field, type RecordSchema } from './schema.ts'
import { didYouMean } from './suggest.ts'

export type JsonObject = Readonly<Record<string, unknown>>

interface CompiledField {
  readonly name: string
  readonly segment: string
  readonly schema: Field['schema']
  readonly encoder: ValueEncoder
  /** The name is one that every object inherits (`constructor`, `__proto__`). */
  readonly inherited: boolean
  readonly hasDefault: boolean
  readonly default: unknown
  /** The encoded default, made at its first use: defaults may lean on types declared later. */
  defaultBytes: Buffer | undefined
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Objects to records: defaults filled in, undeclared fields refused. `compile` is called after
 * the encoder exists, because a record may contain itself.
 */
export function recordEncoder(
  schema: RecordSchema,
  compile: (field: Field) => ValueEncoder,
): ValueEncoder & { readonly link: () => void } {
  const fields: CompiledField[] = []
  const names = new Set(schema.fields.map((field) => field.name))

  function encodeFields(context: EncodeContext, value: JsonObject): void {
    let present = 0
    for (const field of fields) {
      const item = field.inherited ? ownValue(value, field.name) : value[field.name]
      if (item !== undefined) {
        present++
        const before = context.problems.length
        field.encoder.encode(context, item)
        if (context.problems.length > before) refused(context, before, field, item)
      } else if (field.hasDefault) {
        field.defaultBytes ??= encodeDefault(field)
        context.writer.raw(field.defaultBytes)
      } else {
        missing(context, field)
      }
    }
    let count = 0
    for (const _ in value) count++
    if (count !== present) refuseUnknown(context, value, names, schema.name)
  }

  return {
    link() {
      for (const field of schema.fields) {
        fields.push({
          name: field.name,
          segment: pathSegment(field.name),
          schema: field.schema,
          encoder: compile(field),
          inherited: field.name in Object.prototype,
          hasDefault: field.default !== undefined,
          default: field.default,
          defaultBytes: undefined,
        })
      }
    },
    sameKind: isJsonObject,
    accepts(value) {
      if (!isJsonObject(value)) return false
      if (!Object.keys(value).every((name) => names.has(name))) return false
      return fields.every(({ name, encoder, hasDefault }) => {
        const item = ownValue(value, name)
        if (item === undefined) return hasDefault
        return encoder.whole !== true || encoder.accepts(item)
      })
    },
    likeness: (value) =>
      isJsonObject(value) ? Object.keys(value).filter((name) => names.has(name)).length : 0,
    encode(context, value) {
      if (!isJsonObject(value)) {
        context.fail('wrong_type', `expected an object, got ${showValue(value)}`)
      } else if (context.enter()) {
        encodeFields(context, value)
        context.leave()
      }
    },
  }
}

function ownValue(value: JsonObject, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined
}

function refused(context: EncodeContext, before: number, field: CompiledField, item: unknown) {
  const problem = context.problems[before]
  if (item === null && field.hasDefault && problem !== undefined) {
    problem.message += '; leave the field out for its default'
  }
  context.within(before, field.segment)
}

function missing(context: EncodeContext, field: CompiledField): void {
  const nullable =
    field.schema.type === 'union' && field.schema.branches.some((branch) => branch.type === 'null')
  const advice = nullable
    ? 'it may be null, but the contract has no default for it: send null'
    : `expected ${describeSchema(field.schema)}`
  context.fail('missing_field', `the field "${field.name}" is missing: ${advice}`, field.segment)
}

function refuseUnknown(
  context: EncodeContext,
  value: JsonObject,
  names: ReadonlySet<string>,
  record: string,
): void {
  for (const name of Object.keys(value)) {
    if (names.has(name)) continue
    if (context.full) return
    const shown = JSON.stringify(name.slice(0, 80))
    const unused = [...names].filter((known) => !Object.hasOwn(value, known))
    context.fail(
      'unknown_field',
      `${record} has no field ${shown}${didYouMean(name, unused)}`,
      pathSegment(name),
    )
  }
}

const noHeader = new Uint8Array(0)

function encodeDefault(field: CompiledField): Buffer {
  const writer = new BinaryWriter(defaultEncodeLimits.eventBytesMax, 64)
  writer.begin(noHeader)
  writeDefault(field.schema, field.default, writer)
  return writer.take()
}
