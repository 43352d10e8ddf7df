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

/** The value with one part of it, found by the choices, replaced. */
function replaced(value: unknown, choices: readonly number[], part: unknown): unknown {
  const [choice, ...rest] = choices
  if (choice === undefined || typeof value !== 'object' || value === null) return part
  const keys = Object.keys(value)
  const key = keys[choice % (keys.length + 1)]
  if (key === undefined) return part
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>
  copy[key] = replaced(copy[key], rest, part)
  return copy
}

test('what is accepted can be read, by any schema, however wrong the rest is', () => {
  // avsc, which reads, cannot hold `__proto__` as a key of a map.
  const json = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__'))
  const parts = fc.oneof(
    json,
    fc.constantFrom('', '0', '-1', 'Z', '2013-01-01', 'AAA=', 1e21, -0, 2 ** 53, 0.1, [[]], {}),
  )
  const spoiled = fc.tuple(cases, fc.array(fc.nat({ max: 9 }), { maxLength: 5 }), parts)
  let accepted = 0
  let refused = 0
  fc.assert(
    fc.property(spoiled, ([{ schema, values }, choices, part]) => {
      const whole = recordOf({ name: 'x', type: schema })
      const encoder = encoderOf(whole)
      const decode = compileDecoder(JSON.stringify(whole), parseRecord(whole))
      for (const { sent } of values) {
        const event = throughJson({ k: 'a', at, x: replaced(sent, choices, part) })
        const result = encoder.encode(event)
        if (result.ok) {
          accepted++
          const read = decode(result.value.subarray(5))
          const again = encoder.encode(throughJson(read))
          assert.ok(again.ok, JSON.stringify(again))
          assert.deepEqual(again.value, result.value)
        } else {
          refused++
          for (const { path, message } of result.errors) {
            assert.match(path, /^\$/)
            assert.ok(message.length < 2000, message)
          }
        }
      }
    }),
    { numRuns: 500 },
  )
  assert.ok(accepted > 100 && refused > 100, `${accepted} accepted, ${refused} refused`)
})
