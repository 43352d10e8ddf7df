import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CompatibilityMode, checkEvolution } from '@kappa/contracts/compatibility'
import { resolve } from '@kappa/contracts/resolution'
import avsc from 'avsc'
import { parseRecord } from './helpers.ts'

const record = (...fields: unknown[]) => ({ type: 'record', name: 'R', fields })
const x = (type: unknown, more = {}) => record({ name: 'x', type, ...more })
const enumOf = (symbols: string[], more = {}) => ({ type: 'enum', name: 'E', symbols, ...more })
const fixed = (size: number, name = 'F') => ({ type: 'fixed', name, size })
const time = (logicalType: string) => ({ type: 'long', logicalType })
const decimal = (precision: number, scale: number) => ({
  type: 'bytes',
  logicalType: 'decimal',
  precision,
  scale,
})
const list = { type: 'record', name: 'L', fields: [{ name: 'next', type: ['null', 'L'] }] }
const listWith = (field: unknown) => ({
  ...list,
  fields: [...list.fields, field],
})

/** `kappa`: stricter than Avro on purpose, so avsc says otherwise. */
type Note = 'kappa' | undefined
type Case = [name: string, reader: unknown, writer: unknown, rule: string | undefined, note?: Note]

/** Verdicts from the section "Schema Resolution" of the Avro specification 1.12. */
const cases: Case[] = [
  ['the same', x('int'), x('int'), undefined],
  ['a field that the reader ignores', record(), x('int'), undefined],
  ['a field without default', x('int'), record(), 'missing_default'],
  ['a field with default', x('int', { default: 1 }), record(), undefined],
  ['a nullable field without default', x(['null', 'int']), record(), 'missing_default'],
  [
    'other order',
    record({ name: 'a', type: 'int' }, { name: 'b', type: 'long' }),
    record({ name: 'b', type: 'long' }, { name: 'a', type: 'int' }),
    undefined,
  ],
  ['alias of a field', x('int', { aliases: ['y'] }), record({ name: 'y', type: 'int' }), undefined],
  [
    'alias of a field, other type',
    x('int', { aliases: ['y'] }),
    record({ name: 'y', type: 'string' }),
    'type',
  ],
  ['int to long', x('long'), x('int'), undefined],
  ['int to float', x('float'), x('int'), undefined],
  ['int to double', x('double'), x('int'), undefined],
  ['long to int', x('int'), x('long'), 'type'],
  ['long to float', x('float'), x('long'), undefined],
  ['long to double', x('double'), x('long'), undefined],
  ['float to double', x('double'), x('float'), undefined],
  ['double to float', x('float'), x('double'), 'type'],
  ['float to long', x('long'), x('float'), 'type'],
  ['string to bytes', x('bytes'), x('string'), undefined],
  ['bytes to string', x('string'), x('bytes'), undefined],
  ['int to string', x('string'), x('int'), 'type'],
  ['boolean to int', x('int'), x('boolean'), 'type'],
  [
    'items promoted',
    x({ type: 'array', items: 'long' }),
    x({ type: 'array', items: 'int' }),
    undefined,
  ],
  [
    'items narrowed',
    x({ type: 'array', items: 'int' }),
    x({ type: 'array', items: 'long' }),
    'type',
  ],
  [
    'values promoted',
    x({ type: 'map', values: 'double' }),
    x({ type: 'map', values: 'int' }),
    undefined,
  ],
  [
    'values of another type',
    x({ type: 'map', values: 'int' }),
    x({ type: 'map', values: 'string' }),
    'type',
  ],
  ['map to array', x({ type: 'array', items: 'int' }), x({ type: 'map', values: 'int' }), 'type'],
  ['symbol added for the reader', x(enumOf(['A', 'B'])), x(enumOf(['A'])), undefined],
  ['symbol unknown to the reader', x(enumOf(['A'])), x(enumOf(['A', 'B'])), 'enum_symbols'],
  ['symbol unknown, default', x(enumOf(['A'], { default: 'A' })), x(enumOf(['A', 'B'])), undefined],
  ['other enum name', x({ ...enumOf(['A']), name: 'G' }), x(enumOf(['A'])), 'name'],
  [
    'other enum name, alias',
    x({ ...enumOf(['A']), name: 'G', aliases: ['E'] }),
    x(enumOf(['A'])),
    undefined,
  ],
  ['fixed', x(fixed(2)), x(fixed(2)), undefined],
  ['fixed of other size', x(fixed(2)), x(fixed(3)), 'fixed_size'],
  ['fixed of other name', x(fixed(2, 'G')), x(fixed(2)), 'name'],
  ['made nullable', x(['null', 'int']), x('int'), undefined],
  ['made nullable and promoted', x(['null', 'long']), x('int'), undefined],
  ['no longer nullable', x('int'), x(['null', 'int']), 'union'],
  ['branch added', x(['null', 'int', 'string']), x(['null', 'int']), undefined],
  ['branch taken away', x(['null', 'int']), x(['null', 'int', 'string']), 'union'],
  ['branches in other order', x(['int', 'null']), x(['null', 'int']), undefined],
  ['union of one to its type', x('int'), x(['int']), undefined],
  ['record name', x('int'), { ...x('int'), name: 'S' }, 'name'],
  ['record alias', { ...x('int'), aliases: ['S'] }, { ...x('int'), name: 'S' }, undefined],
  ['a list', x(list), x(list), undefined],
  [
    'a list that grows a field',
    x(listWith({ name: 'v', type: 'int' })),
    x(list),
    'missing_default',
  ],
  [
    'a list that grows a default',
    x(listWith({ name: 'v', type: 'int', default: 0 })),
    x(list),
    undefined,
  ],
  ['time unit', x(time('timestamp-micros')), x(time('timestamp-millis')), 'logical_type', 'kappa'],
  ['plain to time', x(time('timestamp-millis')), x('long'), 'logical_type', 'kappa'],
  ['date to long', x('long'), x({ type: 'int', logicalType: 'date' }), 'logical_type', 'kappa'],
  ['decimal scale', x(decimal(9, 3)), x(decimal(9, 2)), 'logical_type', 'kappa'],
  ['uuid to string', x('string'), x({ type: 'string', logicalType: 'uuid' }), undefined],
  ['string to uuid', x({ type: 'string', logicalType: 'uuid' }), x('string'), undefined],
  [
    'time to nullable time',
    x(['null', time('timestamp-millis')]),
    x(time('timestamp-millis')),
    undefined,
  ],
]

for (const [name, reader, writer, rule, note] of cases) {
  test(`a reader takes what was written: ${name}`, () => {
    const mismatches = resolve(parseRecord(reader), parseRecord(writer))
    assert.equal(mismatches[0]?.rule, rule, JSON.stringify(mismatches))
    const byAvsc = avscResolves(reader, writer)
    assert.equal(byAvsc, note === 'kappa' ? true : rule === undefined, 'avsc says otherwise')
  })
}

/** The independent opinion. */
function avscResolves(reader: unknown, writer: unknown): boolean {
  const [read, written] = [reader, writer].map((schema) =>
    avsc.Type.forSchema(structuredClone(schema) as avsc.Schema, { wrapUnions: true }),
  )
  try {
    read?.createResolver(written as avsc.Type)
    return true
  } catch (error) {
    assert.match(String(error), /cannot read|incompatible|no (alias|matching|default)|missing/i)
    return false
  }
}

test('namespaces may differ, names not', () => {
  const writer = { ...x('int'), namespace: 'a' }
  assert.deepEqual(resolve(parseRecord({ ...x('int'), namespace: 'b' }), parseRecord(writer)), [])
})

test('modes choose the directions and the versions', () => {
  const versions = [record(), x('int', { default: 1 }), x('long', { default: 1 })].map(
    (schema, index) => ({ n: index + 1, schema: parseRecord(schema) }),
  )
  const newest = versions[2]!
  const directions = (mode: CompatibilityMode) =>
    checkEvolution(versions.slice(0, 2), newest, mode).map((p) => `${p.direction} ${p.against}`)
  assert.deepEqual(directions('none'), [])
  assert.deepEqual(directions('backward'), [])
  assert.deepEqual(directions('forward'), ['forward 2'])
  assert.deepEqual(directions('full'), ['forward 2'])
  assert.deepEqual(directions('full_transitive'), ['forward 2'])

  const back = [x('int'), record(), x('string')].map((schema, index) => ({
    n: index + 1,
    schema: parseRecord(schema),
  }))
  const against = (mode: CompatibilityMode) =>
    checkEvolution(back.slice(0, 2), back[2]!, mode).map((p) => `${p.direction} ${p.against}`)
  assert.deepEqual(against('full'), ['backward 2'])
  assert.deepEqual(against('backward_transitive'), ['backward 1', 'backward 2'])
  assert.deepEqual(against('forward_transitive'), ['forward 1'])
})

test('the message names the field, the rule and who reads whom', () => {
  const nested = (type: string) =>
    x({ type: 'array', items: { type: 'record', name: 'I', fields: [{ name: 'm', type }] } })
  const [older, newer] = [nested('int'), nested('long')].map((schema, index) => ({
    n: index + 1,
    schema: parseRecord(schema),
  }))
  const [problem, ...more] = checkEvolution([older!], newer!, 'full')
  assert.deepEqual(more, [])
  assert.deepEqual(
    [problem?.field, problem?.rule, problem?.direction],
    ['x[].m', 'type', 'forward'],
  )
  assert.match(
    problem?.message ?? '',
    /not forward compatible with version 1: field "x\[\]\.m" \(rule type\): long cannot be read as int \[reader: version 1, writer: version 2\]; leave the field as it was/,
  )
})

test('what is wrong with a record is told for each field of its type', () => {
  const twice = (type: string) =>
    record(
      { name: 'from', type: { type: 'record', name: 'P', fields: [{ name: 'code', type }] } },
      { name: 'to', type: 'P' },
      { name: 'via', type: { type: 'array', items: 'P' } },
    )
  const mismatches = resolve(parseRecord(twice('int')), parseRecord(twice('string')))
  assert.deepEqual(
    mismatches.map(({ path, rule }) => `${path.join('.')} ${rule}`),
    ['from.code type', 'to.code type', 'via.[].code type'],
  )
})

test('the message says what to do', () => {
  const advised = (older: unknown, newer: unknown) =>
    checkEvolution(
      [{ n: 1, schema: parseRecord(older) }],
      { n: 2, schema: parseRecord(newer) },
      'full',
    ).map(({ message }) => message.slice(message.lastIndexOf(']; ') + 3))
  assert.deepEqual(advised(record(), x('int')), ['give the field a default'])
  assert.deepEqual(advised(x('int'), record()), [
    'keep the field: the earlier version has no default for it',
  ])
  assert.deepEqual(advised(x(enumOf(['A', 'B'])), x(enumOf(['A']))), [
    'keep the symbols, or give the enum a default',
  ])
  assert.deepEqual(advised(x(['null', 'int']), x(['null', 'int', 'string'])), [
    'keep the types of the union: the earlier version does not know others',
  ])
})
