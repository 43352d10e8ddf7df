import avsc from 'avsc'
import type { Contracts } from './contracts.ts'
import { type JsonValue, jsonOf } from './decoded-json.ts'
import { parseSchema } from './parse-schema.ts'
import type { RecordSchema } from './schema.ts'
import { parseWireFormat } from './wire-format.ts'

export interface DecodedEvent {
  readonly topic: string
  readonly version: number
  readonly schemaId: number
  /** In the forms that `encode` takes: int64 beyond 2^53 and decimals as text, ISO timestamps. */
  readonly event: JsonValue
}

/** Bytes are not an event of these contracts. */
export class DecodeError extends Error {
  readonly code = 'cannot_decode'

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'DecodeError'
  }
}

/** avsc reads longs as bigint: the numbers of its own choice lose digits or throw. */
const exactLong = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer(value: bigint) {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(value)
    return buffer
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
})

type Decode = (body: Buffer) => JsonValue

/**
 * Decodes events of these contracts for tools and tests, through avsc. Only for bytes from our
 * own log: a few hostile bytes of Avro can ask for millions of items.
 */
export class EventDecoder {
  readonly #contracts: Contracts
  readonly #decoders = new Map<number, Decode>()

  constructor(contracts: Contracts) {
    this.#contracts = contracts
  }

  /** @throws WireFormatError, DecodeError (unknown schema id, bytes that are not the schema's). */
  decode(message: Buffer): DecodedEvent {
    const { schemaId, body } = parseWireFormat(message)
    const found = this.#contracts.bySchemaId(schemaId)
    if (found === undefined) {
      throw new DecodeError(`no contract has a version with the schema id ${schemaId}`)
    }
    const { contract, version } = found
    let decode = this.#decoders.get(schemaId)
    if (decode === undefined) {
      decode = compileDecoder(version.schemaText, version.schema)
      this.#decoders.set(schemaId, decode)
    }
    return { topic: contract.topic, version: version.n, schemaId, event: decode(body) }
  }
}

/**
 * The same for a schema that is known by its text alone, as releases keep it.
 * @throws DecodeError for text that is no schema of a record
 */
export function decoderOf(schemaText: string): Decode {
  const { schema, problems } = parseSchema(JSON.parse(schemaText))
  if (schema?.type === 'record') return compileDecoder(schemaText, schema)
  throw new DecodeError(`not the schema of a record: ${problems[0]?.message ?? schemaText}`)
}

/** A function from Avro binary to JSON for one schema. */
export function compileDecoder(schemaText: string, schema: RecordSchema): Decode {
  const type = avsc.Type.forSchema(JSON.parse(schemaText) as avsc.Schema, {
    // Also for longs with attributes (logical types), which a registry entry would not reach.
    typeHook: (part: unknown) => (isLong(part) ? exactLong : undefined),
    wrapUnions: true,
  })
  return (body) => {
    let value: unknown
    try {
      value = type.fromBuffer(body)
    } catch (cause) {
      throw new DecodeError(`not Avro of ${schema.name}: ${(cause as Error).message}`, { cause })
    }
    return jsonOf(schema, value)
  }
}

function isLong(part: unknown): boolean {
  if (typeof part === 'string') return part === 'long'
  return (part as { readonly type?: unknown } | null)?.type === 'long'
}
