import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Contract } from '@kappa/contracts/contract'
import {
  checkForeignSchema,
  findEqualVersion,
  parseForeignSchema,
} from '@kappa/contracts/foreign-schema'
import { loadContracts } from '@kappa/contracts/load'
import { folderOf, parseRecord } from './helpers.ts'

const first = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  doc: 'An order.',
  fields: [
    { name: 'k', type: 'string' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'amount', type: 'long', default: 0 },
  ],
}
const second = {
  ...first,
  fields: [...first.fields, { name: 'note', type: ['null', 'string'], default: null }],
}

async function orders(context: TestContext, mode = 'full_transitive'): Promise<Contract> {
  const folder = await folderOf(context, {
    'orders/topic.yaml': `key: k\nevent_time: at\npartitions: 1\ncompatibility: ${mode}\n`,
    'orders/1.avsc': first,
    'orders/2.avsc': second,
  })
  const contract = (await loadContracts(folder)).get('orders')
  assert.ok(contract)
  return contract
}

test('an equal schema is found however it is written', async (context) => {
  const contract = await orders(context)
  const versionOf = (text: string) => findEqualVersion(contract, parseForeignSchema(text))?.n
  assert.equal(versionOf(JSON.stringify(first)), 1)
  assert.equal(versionOf(JSON.stringify(second, null, 4)), 2)
  // As Java's Schema.toString() writes it for classes with text as String.
  const java =
    '{"type":"record","name":"Order","namespace":"shop","doc":"An order.","fields":[' +
    '{"name":"k","type":{"type":"string","avro.java.string":"String"}},' +
    '{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},' +
    '{"name":"amount","type":"long","default":0}]}'
  assert.equal(versionOf(java), 1)
  // As fastavro's parse_schema writes it: full names, no doc.
  const python =
    '{"fields":[{"name":"k","type":"string"},{"name":"at","type":{"logicalType":"timestamp-millis","type":"long"}},' +
    '{"default":0,"name":"amount","type":"long"}],"name":"shop.Order","type":"record"}'
  assert.equal(versionOf(python), 1)
})

test('a schema that differs in what readers see is not found', async (context) => {
  const contract = await orders(context)
  const different = [
    JSON.stringify(first).replace('"default":0', '"default":1'),
    JSON.stringify(first).replace('timestamp-millis', 'timestamp-micros'),
    JSON.stringify(first).replace('"Order"', '"Purchase"'),
    '"string"',
  ]
  for (const text of different) {
    assert.equal(findEqualVersion(contract, parseForeignSchema(text)), undefined, text)
  }
})

test('compatibility with given versions is told in words', async (context) => {
  const contract = await orders(context)
  const changed = (change: object) =>
    parseForeignSchema(
      JSON.stringify({ ...second, fields: [...second.fields, { name: 'x', ...change }] }),
    )
  const optional = changed({ type: 'int', default: 0 })
  assert.deepEqual(checkForeignSchema(optional, contract.versions, 'full_transitive'), [])
  const required = changed({ type: 'int' })
  assert.deepEqual(checkForeignSchema(required, contract.versions, 'forward_transitive'), [])
  assert.deepEqual(checkForeignSchema(required, contract.versions, 'none'), [])
  assert.equal(checkForeignSchema(required, contract.versions, 'backward').length, 1)
  const messages = checkForeignSchema(required, contract.versions, 'full_transitive')
  assert.equal(messages.length, 2)
  assert.match(
    messages[0] ?? '',
    /not backward compatible with version 1: field "x" \(rule missing_default\): .* \[reader: the new schema, writer: version 1\]/,
  )
  assert.match(messages[1] ?? '', /with version 2/)
  const other = checkForeignSchema(parseForeignSchema('"string"'), contract.versions, 'backward')
  assert.match(other[0] ?? '', /string.*record shop\.Order cannot be read as string/)
})

const refused: [name: string, text: string, message: RegExp][] = [
  ['not JSON', '{"type": ', /not valid JSON/],
  [
    'unknown type',
    JSON.stringify(first).replace('"string"', '"strin"'),
    /\$\.fields\[0\]\.type: unknown type "strin" \(did you mean "string"\?\)/,
  ],
  ['too long', `"${'x'.repeat(1_048_576)}"`, /1048578 characters, at most 1048576/],
  ['deep', `${'['.repeat(300_000)}${']'.repeat(300_000)}`, /deeper than 200 levels/],
  [
    'deep in an attribute',
    `{"type":"int","x":${'[{"a":'.repeat(50_000)}1${'}]'.repeat(50_000)}}`,
    /deeper than 200/,
  ],
]

for (const [name, text, message] of refused) {
  test(`a foreign schema is refused: ${name}`, () => {
    assert.throws(() => parseForeignSchema(text), { code: 'invalid_schema', message })
  })
}

test('hostile schemas are compared in bounded time', async (context) => {
  const contract = await orders(context)
  // Each record holds the one before twice: 2^500 places where the innermost differs.
  const tower = (leaf: string) => {
    const records = Array.from({ length: 500 }, (_, level) => ({
      type: 'record',
      name: `R${level}`,
      fields:
        level === 0
          ? [{ name: 'leaf', type: leaf }]
          : [
              { name: 'a', type: `R${level - 1}` },
              { name: 'b', type: `R${level - 1}` },
            ],
    }))
    const fields = records.map((type, index) => ({ name: `f${index}`, type }))
    return { type: 'record', name: 'T', fields }
  }
  const versions = [{ ...contract.newest, schema: parseRecord(tower('int')) }]
  const started = process.cpuUsage()
  const messages = checkForeignSchema(
    parseForeignSchema(JSON.stringify(tower('string'))),
    versions,
    'full',
  )
  assert.equal(messages.length, 100)
  const symbols = Array.from({ length: 100_000 }, (_, index) => `S${index}`)
  parseForeignSchema(JSON.stringify({ type: 'enum', name: 'E', symbols }))
  const names = Array.from({ length: 20_000 }, (_, index) => ({
    name: `f${index}`,
    type: 'unknwn',
  }))
  assert.throws(
    () => parseForeignSchema(JSON.stringify({ type: 'record', name: 'R', fields: names })),
    { code: 'invalid_schema' },
  )
  const { user, system } = process.cpuUsage(started)
  assert.ok(user + system < 5_000_000, `${user + system} µs`)
})
