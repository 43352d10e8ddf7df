import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadContracts } from '@kappa/contracts/load'
import { typescriptTypes } from '@kappa/contracts/typescript-types'
import { at, folderOf, recordOf } from './helpers.ts'

const tsc = join(import.meta.dirname, '..', '..', '..', 'node_modules', '.bin', 'tsc')
const topic = 'key: k\nevent_time: at\npartitions: 1\n'
const words = [
  'class',
  'constructor',
  'new',
  'readonly',
  'get',
  'toString',
  'function',
  'type',
  '_',
]
const leg = {
  type: 'record',
  name: 'Leg',
  fields: [
    { name: 'carrier', type: 'string' },
    { name: 'next', type: ['null', 'Leg'], default: null },
  ],
}
const status = { type: 'enum', name: 'Status', symbols: ['ON_TIME', 'LATE'], doc: 'Of the flight.' }
const all = recordOf(
  { name: 'i', type: 'int', default: 0, doc: 'Ends */ no comment\nand goes on' },
  { name: 'l', type: 'long', default: 0 },
  { name: 'd', type: 'double', default: 0 },
  { name: 'b', type: 'boolean', default: false },
  { name: 'raw', type: 'bytes', default: '' },
  { name: 'code', type: { type: 'fixed', name: 'Code', size: 3 }, default: 'abc' },
  { name: 'status', type: status, default: 'LATE' },
  { name: 'other', type: ['null', 'Status'] },
  { name: 'legs', type: { type: 'array', items: leg }, default: [] },
  { name: 'mixed', type: ['null', 'boolean', 'long', 'Leg'], default: null },
  { name: 'lists', type: { type: 'array', items: ['null', 'string'] }, default: [] },
  { name: 'labels', type: { type: 'map', values: { type: 'array', items: 'int' } }, default: {} },
  { name: 'day', type: { type: 'int', logicalType: 'date' }, default: 0 },
  { name: 'time', type: { type: 'long', logicalType: 'time-micros' }, default: 0 },
  { name: 'local', type: { type: 'long', logicalType: 'local-timestamp-millis' }, default: 0 },
  {
    name: 'micros',
    type: ['null', { type: 'long', logicalType: 'timestamp-micros' }],
    default: null,
  },
  { name: 'uuid', type: { type: 'string', logicalType: 'uuid' }, default: '' },
  {
    name: 'price',
    type: { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 },
    default: '\u0000',
  },
)

/** Names that meet: topics, nested types, and what the file itself declares. */
const contracts = {
  'all.types/topic.yaml': topic,
  'all.types/1.avsc': all,
  'all-types/topic.yaml': topic,
  'all-types/1.avsc': { ...recordOf({ name: 'status', type: status }), name: 'Leg' },
  'all.types.leg/topic.yaml': topic,
  'all.types.leg/1.avsc': recordOf(),
  'topics/topic.yaml': topic,
  'topics/1.avsc': recordOf(),
  'date/topic.yaml': topic,
  'date/1.avsc': recordOf(),
  '2fa/topic.yaml': topic,
  '2fa/1.avsc': recordOf(...words.map((name) => ({ name, type: 'string' }))),
}

const minimal = `k: 'a', at: '${at}', other: null`
const right: readonly (readonly [topic: string, event: string])[] = [
  ['all.types', `{ ${minimal} }`],
  ['all.types', `{ ...base, at: 1357035420000 }`],
  ['all.types', `{ ...base, at: new Date() }`],
  ['all.types', `{ ...base, l: 1 }`],
  ['all.types', `{ ...base, l: 9007199254740993n }`],
  ['all.types', `{ ...base, l: '-9007199254740993' }`],
  ['all.types', `{ ...base, l: undefined }`],
  ['all.types', `{ ...base, status: 'ON_TIME', other: 'LATE' }`],
  ['all.types', `{ ...base, legs: [{ carrier: 'UA', next: { carrier: 'AA', next: null } }] }`],
  ['all.types', `{ ...base, legs: [{ carrier: 'UA' }] as const }`],
  ['all.types', `{ ...base, mixed: true }`],
  ['all.types', `{ ...base, mixed: { carrier: 'UA' } }`],
  ['all.types', `{ ...base, lists: ['a', null] }`],
  ['all.types', `{ ...base, labels: { a: [1, 2] } }`],
  ['all.types', `{ ...base, day: '2013-01-01', time: '05:17:00', local: 5, micros: null }`],
  ['all.types', `{ ...base, price: '12.50', raw: 'AAEC', code: 'YWJj' }`],
  ['all.types', `{ ...base, price: 12.5 }`],
  ['all-types', `{ k: 'a', at: 0, status: 'LATE' }`],
  ['2fa', `{ k: 'a', at: 0, ${words.map((word) => `${word}: 'x'`).join(', ')} }`],
]
const wrong: readonly (readonly [topic: string, event: string, error: RegExp])[] = [
  ['all.types', `{ k: 'a', at: 0 }`, /TS2741.*'other' is missing/],
  [
    'all.types',
    `{ ${minimal}, othr: 1 }`,
    /TS2561.*'othr' does not exist.*Did you mean to write 'other'/,
  ],
  ['all.types', `{ ...base, k: 1 }`, /TS2322/],
  ['all.types', `{ ...base, at: true }`, /TS2322/],
  ['all.types', `{ ...base, i: '1' }`, /TS2322/],
  ['all.types', `{ ...base, i: null }`, /TS2322/],
  ['all.types', `{ ...base, l: 'many' }`, /TS2322/],
  ['all.types', `{ ...base, status: 'LATTE' }`, /TS2820.*Did you mean '"LATE"'/],
  ['all.types', `{ ...base, legs: { carrier: 'UA' } }`, /TS2740|TS2322|TS2353/],
  ['all.types', `{ ...base, legs: [{ carrier: 'UA', next: { carrier: 1 } }] }`, /TS2322/],
  ['all.types', `{ ...base, mixed: 'text' }`, /TS2322/],
  ['all.types', `{ ...base, mixed: { Leg: { carrier: 'UA' } } }`, /TS2322|TS2353/],
  ['all.types', `{ ...base, labels: { a: 1 } }`, /TS2322/],
  ['all.types', `{ ...base, day: new Date() }`, /TS2322/],
  ['all.types', `{ ...base, local: new Date() }`, /TS2322/],
  ['all.types', `{ ...base, price: 1n }`, /TS2322/],
  ['2fa', `{ k: 'a', at: 0 }`, /TS2739|TS2740/],
]

interface TscError {
  readonly file: string
  readonly text: string
}

function compile(folder: string): { status: number | null; errors: TscError[] } {
  const { status, stdout } = spawnSync(
    process.execPath,
    [tsc, '--project', folder, '--pretty', 'false'],
    {
      encoding: 'utf8',
    },
  )
  const errors = stdout.split('\n').flatMap((line) => {
    const [, file = '', text = ''] =
      /^(?:.*\/)?([\w-]+\.ts)\(\d+,\d+\): error (.*)$/.exec(line) ?? []
    return file === '' ? [] : [{ file, text }]
  })
  return { status, errors }
}

async function project(context: TestContext, files: Readonly<Record<string, string>>) {
  const contractsFolder = await folderOf(context, contracts)
  const types = typescriptTypes(await loadContracts(contractsFolder))
  const compilerOptions = {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    types: [],
  }
  return folderOf(context, {
    'tsconfig.json': JSON.stringify({ compilerOptions, include: ['*.ts'] }),
    'package.json': '{"type":"module"}',
    'topics.ts': types,
    ...files,
  })
}

const source = ([name, event]: readonly [string, string, ...unknown[]]) =>
  `import type { Topics } from './topics.js'
export const base = { ${minimal} } as const
export const event: Topics['${name}'] = ${event}
`

test('right shapes compile', async (context) => {
  const files = right.map((shape, index) => [`right-${index}.ts`, source(shape)])
  const { status, errors } = compile(await project(context, Object.fromEntries(files)))
  assert.deepEqual(errors, [])
  assert.equal(status, 0)
})

test('wrong shapes do not compile', async (context) => {
  const files = wrong.map((shape, index) => [`wrong-${index}.ts`, source(shape)])
  const { status, errors } = compile(await project(context, Object.fromEntries(files)))
  assert.notEqual(status, 0)
  for (const [index, [, event, expected]] of wrong.entries()) {
    const [error, ...more] = errors.filter(({ file }) => file === `wrong-${index}.ts`)
    assert.match(error?.text ?? 'compiles', expected, event)
    assert.deepEqual(more, [], event)
  }
  assert.equal(errors.length, wrong.length)
})

test('the forms that the types allow are those that encode takes', async (context) => {
  const folder = await folderOf(context, contracts)
  const loaded = await loadContracts(folder)
  const base = { k: 'a', at, other: null }
  const withBigint = (_key: string, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value
  for (const [name, text] of right) {
    const event: unknown = new Function('base', `return (${text.replace(' as const', '')})`)(base)
    const result = loaded.get(name)?.encode(JSON.parse(JSON.stringify(event, withBigint)))
    assert.ok(result?.ok, `${text}: ${JSON.stringify(result)}`)
  }
})

test('the text is the same in every run, with the docs of the contract', async (context) => {
  const folder = await folderOf(context, {
    'orders/topic.yaml': topic,
    'orders/1.avsc': {
      ...recordOf({ name: 'total', type: 'long', default: 0, doc: 'In cents' }),
      doc: 'An order.',
    },
  })
  assert.equal(
    typescriptTypes(await loadContracts(folder)),
    `// Generated by \`kappa contracts types\` from the contracts of the topics. Do not edit: run it again.
/* eslint-disable */

/** The events of each topic. */
export type Topics = {
  'orders': Orders
}

/**
 * An order.
 * Topic \`orders\`, version 1.
 */
export interface Orders {
  k: string
  at: TimestampMillis
  /**
   * In cents
   * @default 0
   */
  total?: Int64 | undefined
}

/** A whole number of 64 bits. Beyond 2^53 a bigint or its digits as text: a number would lose digits. */
export type Int64 = number | bigint | \`\${bigint}\`

/** ISO 8601 text with a zone, as in "2013-01-01T05:17:00.000Z", a number of milliseconds since 1970, or a Date. */
export type TimestampMillis = string | number | Date
`,
  )
})
