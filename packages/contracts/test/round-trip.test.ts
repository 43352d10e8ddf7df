import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileDecoder } from '@kappa/contracts/decoder'
import fc from 'fast-check'
import { at, encoderOf, parseRecord, recordOf } from './helpers.ts'

/** A schema and values of it, in the form that the decoder gives back. */
interface Sample {
  readonly schema: unknown
  readonly values: fc.Arbitrary<unknown>
}

const base64 = (length: { minLength?: number; maxLength: number }) =>
  fc.uint8Array(length).map((bytes) => Buffer.from(bytes).toString('base64'))
const iso = (fraction: 3 | 6, zone: string) =>
  fc
    .tuple(
      fc.date({
        min: new Date('0001-01-01T00:00:00Z'),
        max: new Date('9999-12-31T23:59:59Z'),
        noInvalidDate: true,
      }),
      fc.nat({ max: 999 }),
    )
    .map(([date, micros]) => {
      const text = date.toISOString().slice(0, -1)
      return text + (fraction === 6 ? String(micros).padStart(3, '0') : '') + zone
    })
const decimalText = (digits: number, scale: number) =>
  fc
    .bigInt({ min: -(10n ** BigInt(digits)) + 1n, max: 10n ** BigInt(digits) - 1n })
    .map((value) => {
      const text = String(value < 0n ? -value : value).padStart(scale + 1, '0')
      return `${value < 0n ? '-' : ''}${text.slice(0, -scale)}.${text.slice(-scale)}`
    })
const longs = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : String(value)))
const smallLongs = fc.maxSafeInteger()
const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => value.isWellFormed())

const scalars: Sample[] = [
  { schema: 'boolean', values: fc.boolean() },
  { schema: 'int', values: fc.integer().map((value) => value | 0) },
  { schema: 'long', values: fc.oneof(longs, smallLongs) },
  { schema: 'float', values: fc.float({ noNaN: true, noDefaultInfinity: true }) },
  { schema: 'double', values: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { schema: 'string', values: text },
  { schema: 'bytes', values: base64({ maxLength: 40 }) },
  { schema: { type: 'string', logicalType: 'uuid' }, values: fc.uuid() },
  { schema: { type: 'long', logicalType: 'timestamp-millis' }, values: iso(3, 'Z') },
  { schema: { type: 'long', logicalType: 'timestamp-micros' }, values: iso(6, 'Z') },
  { schema: { type: 'long', logicalType: 'local-timestamp-micros' }, values: iso(6, '') },
  { schema: { type: 'int', logicalType: 'date' }, values: iso(3, '').map((t) => t.slice(0, 10)) },
  {
    schema: { type: 'long', logicalType: 'time-micros' },
    values: iso(6, '').map((t) => t.slice(11)),
  },
  {
    schema: { type: 'int', logicalType: 'time-millis' },
    values: iso(3, '').map((t) => t.slice(11)),
  },
  {
    schema: { type: 'bytes', logicalType: 'decimal', precision: 38, scale: 9 },
    values: decimalText(38, 9),
  },
]

/** Named types need names of their own within a schema. */
let names = 0

const named: (() => Sample)[] = [
  () => ({
    schema: { type: 'enum', name: `E${++names}`, symbols: ['RED', 'GREEN', 'BLUE'] },
    values: fc.constantFrom('RED', 'GREEN', 'BLUE'),
  }),
  () => ({
    schema: { type: 'fixed', name: `F${++names}`, size: 5 },
    values: base64({ minLength: 5, maxLength: 5 }),
  }),
  () => ({
    schema: {
      type: 'fixed',
      name: `F${++names}`,
      size: 9,
      logicalType: 'decimal',
      precision: 20,
      scale: 4,
    },
    values: decimalText(20, 4),
  }),
]

const scalar = fc.oneof(
  fc.constantFrom(...scalars),
  fc.constantFrom(...named).map((make) => make()),
)

function nullable(sample: Sample): Sample {
  const schema = ['null', sample.schema]
  return { schema, values: fc.option(sample.values, { nil: null }) }
}

function arrayOf(sample: Sample): Sample {
  return {
    schema: { type: 'array', items: sample.schema },
    values: fc.array(sample.values, { maxLength: 4 }),
  }
}

function mapOf(sample: Sample): Sample {
  // avsc, the other side of this test, cannot hold `__proto__` as a key of a map.
  const keys = text.filter((key) => key !== '__proto__')
  return {
    schema: { type: 'map', values: sample.schema },
    values: fc.dictionary(keys, sample.values, { maxKeys: 4, noNullPrototype: true }),
  }
}

function recordWith(samples: readonly Sample[]): Sample {
  const entries = samples.map((sample, index) => [`f${index}`, sample] as const)
  return {
    schema: {
      type: 'record',
      name: `R${++names}`,
      fields: entries.map(([name, { schema }]) => ({ name, type: schema })),
    },
    values: fc.record(Object.fromEntries(entries.map(([name, { values }]) => [name, values])), {
      noNullPrototype: true,
    }),
  }
}

const { sample: samples } = fc.letrec<{ sample: Sample; plain: Sample }>((tie) => ({
  plain: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    tie('sample').map(arrayOf),
    tie('sample').map(mapOf),
    fc.array(tie('sample'), { maxLength: 4 }).map(recordWith),
  ),
  sample: fc.oneof({ maxDepth: 3 }, tie('plain'), tie('plain').map(nullable)),
}))

test('JSON to Avro to JSON is the identity, on random schemas and values', () => {
  const cases = samples.chain(({ schema, values }) =>
    fc.array(values, { minLength: 1, maxLength: 5 }).map((list) => ({ schema, list })),
  )
  fc.assert(
    fc.property(cases, ({ schema, list }) => {
      const json = recordOf({ name: 'x', type: schema })
      const encoder = encoderOf(json)
      const decode = compileDecoder(JSON.stringify(json), parseRecord(json))
      for (const value of list) {
        const event = { k: 'a', at, x: value }
        const result = encoder.encode(JSON.parse(JSON.stringify(event)))
        assert.ok(result.ok, JSON.stringify(result))
        const decoded = decode(result.value.subarray(5))
        // JSON has no minus zero, and both sides go through it.
        assert.deepEqual(JSON.parse(JSON.stringify(decoded)), JSON.parse(JSON.stringify(event)))
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
