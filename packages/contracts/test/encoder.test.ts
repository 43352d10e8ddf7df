import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileDecoder } from '@kappa/contracts/decoder'
import { at, encoderOf, parseRecord, recordOf } from './helpers.ts'

const delay = {
  type: 'record',
  name: 'Delay',
  fields: [{ name: 'minutes', type: 'int' }],
}
const schema = recordOf(
  { name: 'tail_number', type: ['null', 'string'], default: null },
  { name: 'flight', type: 'int', default: 0 },
  { name: 'big', type: 'long', default: 0 },
  { name: 'score', type: 'float', default: 0 },
  { name: 'share', type: 'double', default: 0 },
  { name: 'done', type: 'boolean', default: false },
  { name: 'raw', type: 'bytes', default: '' },
  { name: 'code', type: { type: 'fixed', name: 'Code', size: 3 }, default: 'abc' },
  {
    name: 'status',
    type: { type: 'enum', name: 'Status', symbols: ['ON_TIME', 'LATE'] },
    default: 'LATE',
  },
  { name: 'delays', type: { type: 'array', items: delay }, default: [] },
  { name: 'labels', type: { type: 'map', values: 'int' }, default: {} },
  { name: 'day', type: { type: 'int', logicalType: 'date' }, default: 0 },
  { name: 'time', type: { type: 'int', logicalType: 'time-millis' }, default: 0 },
  { name: 'uuid', type: ['null', { type: 'string', logicalType: 'uuid' }], default: null },
  {
    name: 'price',
    type: { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 },
    default: '\u0000',
  },
  { name: 'mixed', type: ['null', 'boolean', 'long', 'string'], default: null },
  { name: 'note', type: ['null', 'string'], default: null },
)
const minimal = { k: 'a', at }

/** What a decoder that is not ours reads from what was written. */
function read(json: unknown, fields: Record<string, unknown>): Record<string, unknown> {
  const result = encoderOf(json).encode({ ...minimal, ...fields })
  assert.ok(result.ok, JSON.stringify(result))
  const decode = compileDecoder(JSON.stringify(json), parseRecord(json))
  return decode(result.value.subarray(5)) as Record<string, unknown>
}

const bad: [
  name: string,
  fields: Record<string, unknown>,
  code: string,
  path: string,
  message?: RegExp,
][] = [
  [
    'unknown field',
    { tailnumber: 'x' },
    'unknown_field',
    '$.tailnumber',
    /did you mean "tail_number"/,
  ],
  [
    'unknown nested field',
    { delays: [{ minutes: 1, hours: 2 }] },
    'unknown_field',
    '$.delays[0].hours',
  ],
  ['odd name', { 'a b': 1 }, 'unknown_field', '$["a b"]'],
  ['missing field', { k: undefined }, 'missing_field', '$.k', /expected string/],
  ['missing nested', { delays: [{ minutes: 1 }, {}] }, 'missing_field', '$.delays[1].minutes'],
  ['null', { flight: null }, 'wrong_type', '$.flight', /got null/],
  ['text for int', { flight: '5' }, 'wrong_type', '$.flight', /the text "5"/],
  ['fraction for int', { flight: 1.5 }, 'wrong_type', '$.flight'],
  ['int too large', { flight: 2 ** 31 }, 'out_of_range', '$.flight', /2147483647/],
  [
    'nested path',
    { delays: [{ minutes: 1 }, { minutes: 2 }, { minutes: 'x' }] },
    'wrong_type',
    '$.delays[2].minutes',
  ],
  ['unsafe long', { big: 2 ** 53 }, 'unsafe_number', '$.big', /as text/],
  ['long too large', { big: '9223372036854775808' }, 'out_of_range', '$.big'],
  ['long as fraction text', { big: '1.5' }, 'wrong_type', '$.big'],
  ['float too large', { score: 1e39 }, 'out_of_range', '$.score'],
  ['double from 1e999', { share: JSON.parse('1e999') }, 'out_of_range', '$.share'],
  ['text for boolean', { done: 'true' }, 'wrong_type', '$.done'],
  ['bytes not base64', { raw: 'a-b' }, 'bad_base64', '$.raw'],
  ['bytes without padding', { raw: 'YQ' }, 'bad_base64', '$.raw'],
  ['fixed of other length', { code: 'YWI=' }, 'wrong_length', '$.code', /3 bytes, got 2/],
  ['enum', { status: 'LATTE' }, 'bad_enum', '$.status', /did you mean "LATE"/],
  ['enum by inherited name', { status: 'constructor' }, 'bad_enum', '$.status'],
  ['object for array', { delays: {} }, 'wrong_type', '$.delays'],
  ['array for map', { labels: [] }, 'wrong_type', '$.labels'],
  ['value of map', { labels: { 'a-b': 'x' } }, 'wrong_type', '$.labels["a-b"]'],
  ['date', { day: '2013-02-29' }, 'bad_date', '$.day'],
  ['time', { time: '24:00:00' }, 'bad_time', '$.time'],
  ['uuid', { uuid: 'nope' }, 'bad_uuid', '$.uuid'],
  ['timestamp without zone', { at: '2013-01-01T00:00:00' }, 'bad_timestamp', '$.at', /zone/],
  ['timestamp with a fraction', { at: 1.5 }, 'bad_timestamp', '$.at'],
  ['timestamp beyond year 9999', { at: 253402300800000 }, 'out_of_range', '$.at'],
  ['timestamp of null', { at: null }, 'wrong_type', '$.at'],
  ['decimal scale', { price: '1.234' }, 'out_of_range', '$.price', /2 digits after/],
  ['decimal precision', { price: '12345.00' }, 'out_of_range', '$.price', /4 digits before/],
  ['decimal text', { price: '1,5' }, 'bad_decimal', '$.price'],
  ['decimal unsafe', { price: 0.1 + 0.2 }, 'unsafe_number', '$.price'],
  ['union', { mixed: [] }, 'wrong_type', '$.mixed', /null or boolean or long or string/],
  [
    'wrapped union',
    { tail_number: { string: 'x' } },
    'wrong_type',
    '$.tail_number',
    /without \{"string": …\}/,
  ],
  ['half a surrogate', { k: '\ud800' }, 'bad_string', '$.k'],
]

for (const [name, fields, code, path, message] of bad) {
  test(`refused with its place: ${name}`, () => {
    const result = encoderOf(schema).encode({ ...minimal, ...fields })
    assert.ok(!result.ok)
    assert.deepEqual(
      result.errors.map((error) => [error.code, error.path]),
      [[code, path]],
    )
    assert.match(result.errors[0]?.message ?? '', message ?? /./)
  })
}

for (const value of [null, [], 'text', 5, true, undefined]) {
  test(`an event that is ${JSON.stringify(value)} is refused`, () => {
    const result = encoderOf(schema).encode(value)
    assert.ok(!result.ok)
    assert.deepEqual([result.errors[0]?.code, result.errors[0]?.path], ['wrong_type', '$'])
  })
}

test('all problems of an event are listed, up to the bound', () => {
  const encoder = encoderOf(schema, { problemsMax: 3 })
  const two = encoder.encode({ ...minimal, flight: 'x', big: 'y' })
  assert.ok(!two.ok)
  assert.deepEqual(
    two.errors.map((error) => error.path),
    ['$.flight', '$.big'],
  )
  const many = encoder.encode({ ...minimal, delays: Array(50_000).fill(7) })
  assert.ok(!many.ok)
  assert.equal(many.errors.length, 3)
  const fields = { flight: '', big: [], score: '', share: '', done: '', raw: 1, day: '' }
  const wide = encoder.encode({ ...minimal, ...fields })
  assert.ok(!wide.ok)
  assert.equal(wide.errors.length, 3)
})

test('a refused event leaves nothing behind for the next one', () => {
  const encoder = encoderOf(schema)
  const clean = encoder.encode(minimal)
  assert.equal(encoder.encode({ ...minimal, delays: [{ minutes: 'x' }] }).ok, false)
  assert.deepEqual(encoder.encode(minimal), clean)
})

test('the forms that people write', () => {
  assert.equal(read(schema, { big: '9223372036854775807' }).big, '9223372036854775807')
  assert.equal(read(schema, { big: -(2 ** 53) + 1 }).big, -(2 ** 53) + 1)
  assert.equal(read(schema, { big: '-9223372036854775808' }).big, '-9223372036854775808')
  assert.equal(read(schema, { big: 2 ** 31 }).big, 2 ** 31)
  assert.equal(read(schema, { price: '-12.5' }).price, '-12.50')
  assert.equal(read(schema, { price: 9999.99 }).price, '9999.99')
  assert.equal(read(schema, { day: '2012-02-29' }).day, '2012-02-29')
  assert.equal(read(schema, { time: '23:59:59.999' }).time, '23:59:59.999')
  assert.equal(read(schema, { raw: 'AP8=' }).raw, 'AP8=')
  assert.equal(read(schema, { mixed: 'x' }).mixed, 'x')
  assert.equal(read(schema, { mixed: 5 }).mixed, 5)
  assert.equal(read(schema, { mixed: true }).mixed, true)
  assert.equal(read(schema, { at: 1357035420000 }).at, at)
  assert.equal(read(schema, { at: '2013-01-01T05:17:00.000-05:00' }).at, at)
  assert.equal(
    read(schema, { uuid: '0189A1B2-C3D4-7E5F-8A9B-0C1D2E3F4A5B' }).uuid,
    '0189a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
  )
  const long = 'ü€😀'.repeat(3000)
  assert.equal(read(schema, { note: long }).note, long)
})

test('defaults are filled in', () => {
  const value = read(schema, {})
  assert.deepEqual(
    [value.tail_number, value.flight, value.status, value.code, value.delays, value.labels],
    [null, 0, 'LATE', 'YWJj', [], {}],
  )
})

test('a float in a union is kept exact by the double after it', () => {
  const union = recordOf({ name: 'x', type: ['null', 'int', 'float', 'double'] })
  assert.equal(read(union, { x: 0.1 }).x, 0.1)
  assert.equal(read(union, { x: 0.5 }).x, 0.5)
  const lone = recordOf({ name: 'x', type: ['string', 'int', 'float'] })
  assert.equal(read(lone, { x: 0.1 }).x, Math.fround(0.1))
})

test('records in a union are told apart by their fields', () => {
  const branch = (name: string, field: string) => ({
    type: 'record',
    name,
    fields: [{ name: field, type: 'string' }],
  })
  const union = recordOf({ name: 'x', type: [branch('A', 'a'), branch('B', 'b')] })
  assert.deepEqual(read(union, { x: { b: '1' } }).x, { b: '1' })
})

test('names that every object inherits are fields like others', () => {
  const odd = recordOf(
    { name: 'constructor', type: ['null', 'string'], default: null },
    { name: '__proto__', type: ['null', 'string'], default: null },
    { name: 'toString', type: 'string', default: 'd' },
  )
  const encoder = encoderOf(odd)
  const absent = encoder.encode(minimal)
  assert.ok(absent.ok)
  const given = encoder.encode(
    JSON.parse(`{"k":"a","at":"${at}","__proto__":"p","constructor":"c"}`),
  )
  assert.ok(given.ok)
  assert.ok(given.value.includes('p') && given.value.includes('c'))
  assert.equal(given.value.length, absent.value.length + 4)
})

test('undeclared prototype keys are refused, in records, and kept, in maps', () => {
  const encoder = encoderOf(schema)
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty']) {
    const result = encoder.encode(JSON.parse(`{"k":"a","at":"${at}","${name}":{"flight":5}}`))
    assert.ok(!result.ok, name)
    assert.deepEqual(
      result.errors.map((error) => [error.code, error.path]),
      [['unknown_field', `$.${name}`]],
    )
  }
  const map = encoder.encode(JSON.parse(`{"k":"a","at":"${at}","labels":{"__proto__":5}}`))
  assert.ok(map.ok)
  assert.ok(map.value.includes('__proto__'))
})

const tree = recordOf({
  name: 'tree',
  type: {
    type: 'record',
    name: 'Tree',
    fields: [{ name: 'child', type: ['null', 'Tree'], default: null }],
  },
})

test('nesting is bounded, however deep the value is', () => {
  const nested = (levels: number): unknown => {
    let value: unknown = {}
    for (let level = 1; level < levels; level++) value = { child: value }
    return value
  }
  const encoder = encoderOf(tree, { depthMax: 10 })
  assert.ok(encoder.encode({ ...minimal, tree: nested(9) }).ok)
  for (const levels of [10, 100_000]) {
    const result = encoder.encode({ ...minimal, tree: nested(levels) })
    assert.ok(!result.ok)
    assert.equal(result.errors.length, 1)
    assert.equal(result.errors[0]?.code, 'too_deep')
    assert.match(result.errors[0]?.message ?? '', /10 levels/)
  }
  const array: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
  const result = encoderOf(schema).encode({ ...minimal, delays: array })
  assert.ok(!result.ok)
})

test('items and bytes of an event are bounded', () => {
  const nulls = recordOf({ name: 'x', type: { type: 'array', items: 'null' } })
  const items = encoderOf(nulls, { itemsMax: 1000 })
  assert.ok(items.encode({ ...minimal, x: Array(1000).fill(null) }).ok)
  const over = items.encode({ ...minimal, x: Array(1001).fill(null) })
  assert.ok(!over.ok)
  assert.deepEqual([over.errors[0]?.code, over.errors[0]?.path], ['too_many_items', '$.x'])
  const bytes = encoderOf(schema, { eventBytesMax: 2000 })
  assert.ok(bytes.encode({ ...minimal, note: 'x'.repeat(1800) }).ok)
  const large = bytes.encode({ ...minimal, note: 'x'.repeat(2000) })
  assert.ok(!large.ok)
  assert.equal(large.errors[0]?.code, 'too_large')
  assert.match(large.errors[0]?.message ?? '', /2000 bytes/)
  assert.ok(bytes.encode(minimal).ok)
})

test('key, event time and wire header come with the value', () => {
  const result = encoderOf(schema).encode({ ...minimal, k: 'ключ' })
  assert.ok(result.ok)
  assert.equal(result.key?.toString('utf8'), 'ключ')
  assert.equal(result.eventTimeMs, Date.parse(at))
  assert.equal(result.id, undefined)
  assert.equal(result.value.subarray(0, 5).toString('hex'), '0000000007')
})

test('values keep what they hold while others are encoded, whatever their sizes', () => {
  const wide = recordOf({ name: 'note', type: 'string' })
  const encoder = encoderOf(wide)
  const decode = compileDecoder(JSON.stringify(wide), parseRecord(wide))
  const letters = ['x', 'é', '€', '😀']
  const events = Array.from({ length: 4000 }, (_, index) => ({
    k: `${letters[index % 4]}-${index}`,
    at,
    note: (letters[(index >> 2) % 4] ?? '').repeat((index * 37) % 3000),
  }))
  const results = events.map((event) => {
    // A refused event between two others leaves nothing in them.
    assert.equal(encoder.encode({ ...event, note: 7 }).ok, false)
    return encoder.encode(event)
  })
  for (const [index, event] of events.entries()) {
    const result = results[index]
    assert.ok(result?.ok)
    assert.deepEqual(decode(result.value.subarray(5)), event)
    assert.equal(result.key?.toString(), event.k)
  }
})

test('key and time are those of the event, not of an event inside it', () => {
  const inner = { name: 'inner', type: ['null', 'Event'], default: null }
  const nullableKey = {
    ...recordOf(),
    fields: [
      { name: 'k', type: ['null', 'string'], default: null },
      ...recordOf(inner).fields.slice(1),
    ],
  }
  for (const json of [recordOf(inner), nullableKey]) {
    const encoder = encoderOf(json)
    const early = { k: 'inner', at: '2012-01-01T00:00:00Z' }
    const result = encoder.encode({ k: 'ключ', at, inner: { ...early, inner: early } })
    assert.ok(result.ok)
    assert.equal(result.key?.toString(), 'ключ')
    assert.equal(result.eventTimeMs, Date.parse(at))
  }
  const withoutKey = encoderOf(nullableKey).encode({ at, inner: { k: 'inner', at: 0 } })
  assert.ok(withoutKey.ok)
  assert.equal(withoutKey.key, null)
})

test('times in microseconds are rounded down to milliseconds, before 1970 too', () => {
  const micros = {
    ...recordOf(),
    fields: [
      { name: 'k', type: 'string' },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    ],
  }
  const encoder = encoderOf(micros)
  for (const [given, expected] of [
    ['1969-12-31T23:59:59.999999Z', -1],
    [-1, -1],
    [-1000, -1],
    ['1970-01-01T00:00:00.000999Z', 0],
    [1999, 1],
  ] as const) {
    const result = encoder.encode({ k: 'a', at: given })
    assert.ok(result.ok)
    assert.equal(result.eventTimeMs, expected, String(given))
  }
})
