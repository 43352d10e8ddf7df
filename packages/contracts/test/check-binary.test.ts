import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBinary } from '@kappa/contracts/check-binary'
import { parseSchema } from '@kappa/contracts/parse-schema'
import type { Schema } from '@kappa/contracts/schema'
import avsc from 'avsc'
import fc from 'fast-check'

const json = {
  type: 'record',
  name: 'Everything',
  fields: [
    { name: 'flag', type: 'boolean' },
    { name: 'int', type: 'int' },
    { name: 'float', type: 'float' },
    { name: 'double', type: 'double' },
    { name: 'text', type: ['null', 'string'] },
    { name: 'bytes', type: 'bytes' },
    { name: 'fixed', type: { type: 'fixed', name: 'Four', size: 4 } },
    { name: 'enum', type: { type: 'enum', name: 'Letter', symbols: ['A', 'B'] } },
    { name: 'list', type: { type: 'array', items: { type: 'map', values: 'int' } } },
  ],
}
const type = avsc.Type.forSchema(json as avsc.Schema, { wrapUnions: false })
const schema = schemaOf(json)

const events = fc.record({
  flag: fc.boolean(),
  int: fc.integer(),
  float: fc.float({ noNaN: true }),
  double: fc.double({ noNaN: true }),
  text: fc.option(fc.string()),
  bytes: fc.uint8Array({ maxLength: 20 }).map(Buffer.from),
  fixed: fc.uint8Array({ minLength: 4, maxLength: 4 }).map(Buffer.from),
  enum: fc.constantFrom('A', 'B'),
  list: fc.array(fc.dictionary(fc.string({ maxLength: 5 }), fc.integer()), { maxLength: 4 }),
})

function schemaOf(value: unknown): Schema {
  const parsed = parseSchema(value).schema
  assert.ok(parsed)
  return parsed
}

test('what avsc has encoded has no problem, and every shorter part of it has one', () => {
  fc.assert(
    fc.property(events, (event) => {
      const body = type.toBuffer(event)
      assert.equal(checkBinary(schema, body), undefined)
      assert.equal(checkBinary(schema, Buffer.concat([body, Buffer.of(1)])), undefined)
      for (let length = 0; length < body.length; length++) {
        assert.notEqual(checkBinary(schema, body.subarray(0, length)), undefined)
      }
    }),
    { numRuns: 100 },
  )
})

test('a problem names its place', () => {
  const record = (fieldType: unknown) =>
    schemaOf({ type: 'record', name: 'R', fields: [{ name: 'f', type: fieldType }] })
  assert.match(
    checkBinary(record('string'), Buffer.of(10, 65)) ?? '',
    /\$\.f .*5 bytes, 1 are left/,
  )
  assert.match(checkBinary(record(['null', 'int']), Buffer.of(4)) ?? '', /\$\.f .*no branch 2/)
  assert.match(checkBinary(record('long'), Buffer.alloc(11, 0xff)) ?? '', /does not end/)
})

test('hostile bytes cost no more than their length', () => {
  const nulls = schemaOf({ type: 'array', items: 'null' })
  const billions = Buffer.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0)
  assert.equal(checkBinary(nulls, billions), undefined)
  const list = schemaOf({
    type: 'record',
    name: 'List',
    fields: [{ name: 'next', type: ['null', 'List'] }],
  })
  assert.match(checkBinary(list, Buffer.alloc(1_000_000, 2)) ?? '', /nested deeper than 500/)
})
