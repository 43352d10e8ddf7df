import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { normalizeSchema, schemaIdOf } from '@kappa/contracts/schema-id'

const base = {
  type: 'record',
  name: 'E',
  namespace: 'n',
  fields: [
    { name: 'a', type: 'long' },
    { name: 'b', type: ['null', 'string'], default: null },
  ],
}

// Events in topics carry these ids for ever: a change here makes old logs unreadable.
test('ids are fixed', () => {
  const normalized =
    '{"fields":[{"name":"a","type":"long"},{"default":null,"name":"b","type":["null","string"]}],"name":"n.E","type":"record"}'
  assert.equal(normalizeSchema(base), normalized)
  const hash = createHash('sha256').update(normalized).digest('hex')
  assert.equal(schemaIdOf(base), Number.parseInt(hash.slice(0, 8), 16) & 0x7fffffff)
  assert.equal(schemaIdOf(base), 2000221504)
})

test('ids do not depend on layout, order of keys, doc or the way of naming', () => {
  const same = [
    JSON.parse(JSON.stringify(base, null, 4)),
    { ...base, doc: 'text' },
    { fields: base.fields, namespace: 'n', name: 'E', type: 'record' },
    { type: 'record', name: 'n.E', fields: base.fields },
    {
      ...base,
      fields: [{ doc: 'x', type: { type: 'long' }, name: 'a', order: 'ascending' }, base.fields[1]],
    },
  ]
  for (const schema of same) assert.equal(schemaIdOf(schema), schemaIdOf(base))
})

test('ids tell everything apart that readers behave by', () => {
  const a = (type: unknown, more = {}) => ({ ...base, fields: [{ name: 'a', type, ...more }] })
  const different = [
    base,
    { ...base, name: 'F' },
    { ...base, namespace: 'm' },
    { ...base, aliases: ['Old'] },
    { ...base, fields: base.fields.toReversed() },
    a('long'),
    a('long', { default: 0 }),
    a('long', { default: 1 }),
    a('long', { default: 9007199254740992n }),
    a('long', { default: 9007199254740993n }),
    a('long', { aliases: ['z'] }),
    a({ type: 'long', logicalType: 'timestamp-millis' }),
    a({ type: 'long', logicalType: 'timestamp-micros' }),
    a({ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }),
    a({ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 3 }),
    a({ type: 'enum', name: 'X', symbols: ['A', 'B'] }),
    a({ type: 'enum', name: 'X', symbols: ['A', 'B'], default: 'A' }),
    a({ type: 'enum', name: 'X', symbols: ['B', 'A'] }),
  ]
  const ids = different.map(schemaIdOf)
  assert.equal(new Set(ids).size, different.length)
  for (const id of ids) assert.ok(Number.isInteger(id) && id > 0 && id <= 0x7fffffff)
})
