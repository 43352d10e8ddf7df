import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileDecoder } from '@kappa/contracts/decoder'
import { at, encoderOf, parseRecord, recordOf } from './helpers.ts'

const logical = (type: string, logicalType: string, more = {}) => ({ type, logicalType, ...more })
const decimal = (precision: number, scale: number) =>
  logical('bytes', 'decimal', { precision, scale })
const record = (name: string, ...fields: unknown[]) => ({ type: 'record', name, fields })
const kindOf = (kind: string) => ({
  name: 'kind',
  type: { type: 'enum', name: `${kind}Kind`, symbols: [kind] },
})
const card = record('Card', kindOf('CARD'), { name: 'to', type: 'string' })
const bank = record('Bank', kindOf('BANK'), { name: 'to', type: 'string' })
const point = record('Point', { name: 'x', type: 'int' }, { name: 'y', type: 'int' })
const circle = record('Circle', { name: 'x', type: 'int' }, { name: 'radius', type: 'double' })
const millis = logical('long', 'timestamp-millis')
const micros = logical('long', 'timestamp-micros')
const local = logical('long', 'local-timestamp-millis')

/** What is written for `given`: the same again if left out. */
const taken: readonly (readonly [type: unknown, given: unknown, written?: unknown])[] = [
  ['long', 9007199254740991],
  ['long', -9007199254740991],
  ['long', '42', 42],
  ['long', '-0', 0],
  ['long', '-9223372036854775808'],
  ['long', 1e15],
  ['float', 0.1, Math.fround(0.1)],
  ['double', 5],
  [millis, 0, '1970-01-01T00:00:00.000Z'],
  [millis, -1, '1969-12-31T23:59:59.999Z'],
  [millis, '2013-01-01T05:17Z', '2013-01-01T05:17:00.000Z'],
  [millis, '2013-01-01 05:17:00+0530', '2012-12-31T23:47:00.000Z'],
  [millis, '2013-01-01T05:17:00.1239Z', '2013-01-01T05:17:00.123Z'],
  [millis, '2013-01-01T05:17:00,5-05', '2013-01-01T10:17:00.500Z'],
  [micros, 1, '1970-01-01T00:00:00.000001Z'],
  [micros, '0001-01-01T00:00:00.000001Z'],
  [micros, '9999-12-31T23:59:59.999999Z'],
  [local, '2013-01-01T05:17:00.000'],
  [local, 0, '1970-01-01T00:00:00.000'],
  [logical('int', 'date'), 15706, '2013-01-01'],
  [logical('int', 'date'), '1969-12-31'],
  [logical('int', 'time-millis'), '05:17', '05:17:00.000'],
  [logical('long', 'time-micros'), 1, '00:00:00.000001'],
  [decimal(9, 2), '12.5', '12.50'],
  [decimal(9, 2), 12.5, '12.50'],
  [decimal(9, 2), -0.01, '-0.01'],
  [decimal(9, 2), '1.500', '1.50'],
  [decimal(9, 7), 1e-7, '0.0000001'],
  [decimal(9, 2), '1.25E+2', '125.00'],
  [decimal(38, 0), '99999999999999999999999999999999999999'],
  ['bytes', 'AAEC/w=='],
  ['bytes', ''],
  [{ type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'B'],
  [
    { type: 'map', values: 'int' },
    { '': 1, 'a b': 2, constructor: 3 },
  ],
  // Unions: the first branch that takes the value.
  [['null', 'string'], null],
  [['string', 'null'], 'null'],
  [['null', 'int', 'long'], 5_000_000_000],
  [['null', 'long', 'string'], '5', 5],
  [['null', 'string', 'long'], '5'],
  [['null', 'long', 'double'], 1.5],
  [['null', millis, 'string'], '2013-01-01T05:17:00.000Z'],
  [['null', millis, 'string'], 'yesterday'],
  [
    ['null', { type: 'array', items: 'int' }, 'int'],
    [1, 2],
  ],
  [['null', point, { type: 'map', values: 'int' }], { x: 1, y: 2 }],
  [['null', point, { type: 'map', values: 'int' }], { x: 1, z: 2 }],
  [[point, circle], { x: 1, radius: 2 }],
  [[card, bank], { kind: 'BANK', to: 'x' }],
  [[card, bank], { kind: 'CARD', to: 'x' }],
]

for (const [type, given, written = given] of taken) {
  test(`taken: ${JSON.stringify(given)} for ${JSON.stringify(type).slice(0, 100)}`, () => {
    const json = recordOf({ name: 'x', type })
    const text = JSON.stringify({ k: 'a', at, x: given })
    const result = encoderOf(json).encode(JSON.parse(text))
    assert.ok(result.ok, JSON.stringify(result))
    const decode = compileDecoder(JSON.stringify(json), parseRecord(json))
    assert.deepEqual(decode(result.value.subarray(5)), { k: 'a', at, x: written })
  })
}

/** As texts, because some numbers would change on the way through JSON. */
const refused: readonly (readonly [
  type: unknown,
  text: string,
  code: string,
  message: RegExp,
  path?: string,
])[] = [
  ['int', '"5"', 'wrong_type', /expected a whole number, got the text "5"/],
  ['int', '2147483648', 'out_of_range', /-2147483648 to 2147483647/],
  ['long', '9007199254740993', 'unsafe_number', /beyond 2\^53.*send it as text/],
  ['long', '"007"', 'wrong_type', /whole number, got the text "007"/],
  ['long', '1e400', 'out_of_range', /a long is/],
  ['double', '1e400', 'out_of_range', /finite/],
  ['double', '"1.5"', 'wrong_type', /expected a number/],
  ['boolean', '1', 'wrong_type', /true or false/],
  [millis, '"2013-01-01"', 'bad_timestamp', /expected T and the time after the date/],
  [millis, '"2013-02-30T00:00:00Z"', 'bad_timestamp', /has no day 30/],
  [millis, '"2016-12-31T23:59:60Z"', 'bad_timestamp', /leap seconds/],
  [millis, '"1357035420000"', 'bad_timestamp', /or a number of millis/],
  [micros, '9007199254740993', 'unsafe_number', /was rounded/],
  [local, '"2013-01-01T05:17:00Z"', 'bad_timestamp', /has no zone/],
  [logical('int', 'date'), '"2013-01-01T00:00:00Z"', 'bad_date', /YYYY-MM-DD/],
  [decimal(9, 2), '0.1234567890123456', 'unsafe_number', /send it as text/],
  [decimal(9, 2), '"12,50"', 'bad_decimal', /digits such as "12\.50"/],
  [decimal(9, 2), '"1.005"', 'out_of_range', /2 digits after the point/],
  [decimal(9, 2), '"1e99"', 'out_of_range', /7 digits before the point/],
  ['bytes', '"_-8="', 'bad_base64', /padded with =/],
  ['bytes', '[1,2]', 'wrong_type', /base64 text, got an array of 2/],
  [
    { type: 'enum', name: 'E', symbols: ['RED', 'BLUE'] },
    '"red"',
    'bad_enum',
    /did you mean "RED"/,
  ],
  [['null', 'int'], '"x"', 'wrong_type', /got the text "x"/],
  [['null', 'string'], '{"string":"x"}', 'wrong_type', /without \{"string"/],
  [[point, circle], '{"x":1,"radius":"2"}', 'wrong_type', /expected a number/, '$.x.radius'],
  [[point, circle], '{"x":1,"y":2,"rdius":3}', 'unknown_field', /no field "rdius"/, '$.x.rdius'],
  [[card, bank], '{"kind":"CASH","to":"x"}', 'bad_enum', /expected one of CARD/, '$.x.kind'],
  [[point, circle], '{}', 'wrong_type', /record Point or record Circle, got an object/],
]

for (const [type, text, code, message, path = '$.x'] of refused) {
  test(`refused: ${text} for ${JSON.stringify(type).slice(0, 100)}`, () => {
    const result = encoderOf(recordOf({ name: 'x', type })).encode(
      JSON.parse(`{"k":"a","at":"${at}","x":${text}}`),
    )
    assert.ok(!result.ok)
    assert.deepEqual([result.errors[0]?.code, result.errors[0]?.path], [code, path])
    assert.match(result.errors[0]?.message ?? '', message)
  })
}

test('null for a field with a default says what to do', () => {
  const result = encoderOf(recordOf({ name: 'x', type: 'int', default: 0 })).encode({
    k: 'a',
    at,
    x: null,
  })
  assert.ok(!result.ok)
  assert.match(result.errors[0]?.message ?? '', /got null; leave the field out for its default/)
})

const hostile: readonly (readonly [name: string, type: unknown, make: () => unknown])[] = [
  ['10 MB of text', 'string', () => 'x'.repeat(10_000_000)],
  ['10 MB of text outside ASCII', 'string', () => '€'.repeat(10_000_000)],
  ['10 MB of base64', 'bytes', () => 'AAAA'.repeat(2_500_000)],
  ['10 MB of digits for a long', 'long', () => '9'.repeat(10_000_000)],
  ['10 MB of digits for a decimal', decimal(9, 2), () => '9'.repeat(10_000_000)],
  ['10 MB of digits for a time', millis, () => `2013-01-01T00:00:00.${'9'.repeat(10_000_000)}Z`],
  ['10 MB for an enum', { type: 'enum', name: 'E', symbols: ['A'] }, () => 'A'.repeat(10_000_000)],
  ['10 MB for a uuid', logical('string', 'uuid'), () => 'a'.repeat(10_000_000)],
  ['a key of 10 MB', { type: 'map', values: 'int' }, () => ({ ['k'.repeat(10_000_000)]: 'x' })],
  ['a field of 10 MB', point, () => ({ ['x'.repeat(10_000_000)]: 1 })],
  ['a million items', { type: 'array', items: 'null' }, () => Array(1_000_000).fill(null)],
  [
    'a million empty arrays',
    { type: 'array', items: { type: 'array', items: 'null' } },
    () => Array.from({ length: 1000 }, () => Array(1000).fill(null)),
  ],
  [
    'a million undeclared fields',
    point,
    () => Object.fromEntries(Array.from({ length: 1_000_000 }, (_, index) => [`f${index}`, 1])),
  ],
  [
    '100,000 levels',
    { type: 'array', items: 'int' },
    () => JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
  ],
  [
    'many items of large defaults',
    { type: 'array', items: record('D', { name: 'd', type: 'string', default: 'x'.repeat(1000) }) },
    () => Array.from({ length: 100_000 }, () => ({})),
  ],
]

for (const [name, type, make] of hostile) {
  test(`refused in bounded time and with a short message: ${name}`, () => {
    const encoder = encoderOf(recordOf({ name: 'x', type }))
    const event = { k: 'a', at, x: make() }
    const started = process.cpuUsage()
    const result = encoder.encode(event)
    const { user, system } = process.cpuUsage(started)
    assert.ok(!result.ok)
    assert.ok(JSON.stringify(result.errors).length < 10_000)
    assert.ok(user + system < 2_000_000, `${user + system} µs`)
  })
}
