import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileDecoder } from '@kappa/contracts/decoder'
import avsc from 'avsc'
import fc from 'fast-check'
import { at, encoderOf, parseRecord, recordOf } from './helpers.ts'
import { cases, throughJson } from './samples.ts'

/** Of avsc's own, so that it reads and writes every int64. */
const exactLong = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(value)
    return buffer
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
})

function avscType(schema: unknown): avsc.Type {
  const isLong = (part: unknown) =>
    part === 'long' || (part as { readonly type?: unknown } | null)?.type === 'long'
  return avsc.Type.forSchema(structuredClone(schema) as avsc.Schema, {
    typeHook: (part: unknown) => (isLong(part) ? exactLong : undefined),
    wrapUnions: true,
  })
}

test('JSON to Avro to JSON is the identity, and avsc writes the same bytes', () => {
  fc.assert(
    fc.property(cases, ({ schema, values }) => {
      const json = recordOf({ name: 'x', type: schema })
      const encoder = encoderOf(json)
      const decode = compileDecoder(JSON.stringify(json), parseRecord(json))
      const type = avscType(json)
      for (const { sent, read } of values) {
        const result = encoder.encode(throughJson({ k: 'a', at, x: sent }))
        assert.ok(result.ok, JSON.stringify(result))
        const body = result.value.subarray(5)
        assert.deepEqual(throughJson(decode(body)), throughJson({ k: 'a', at, x: read }))
        assert.deepEqual(type.toBuffer(type.fromBuffer(body)), body)
      }
    }),
    { numRuns: 500 },
  )
})

test('any JSON whatever is encoded or refused, never thrown on', () => {
  const encoder = encoderOf(
    recordOf(
      {
        name: 'x',
        type: ['null', 'int', 'string', { type: 'map', values: 'long' }],
        default: null,
      },
      { name: 'y', type: { type: 'array', items: ['null', 'double'] }, default: [] },
    ),
  )
  const loose = fc.record(
    { k: fc.jsonValue(), at: fc.jsonValue(), x: fc.jsonValue(), y: fc.jsonValue() },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), loose), (value) => {
      const result = encoder.encode(value)
      if (result.ok) return
      assert.ok(result.errors.length > 0)
      for (const error of result.errors) assert.match(error.path, /^\$/)
    }),
    { numRuns: 1000 },
  )
})
