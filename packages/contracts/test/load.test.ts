import assert from 'node:assert/strict'
import { symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { compatibilityModes } from '@kappa/contracts/compatibility'
import { EventDecoder } from '@kappa/contracts/decoder'
import { ContractError } from '@kappa/contracts/errors'
import { loadContracts } from '@kappa/contracts/load'
import { at, folderOf, recordOf } from './helpers.ts'

const topic = 'key: k\nevent_time: at\npartitions: 4\n'
const version = (...fields: readonly unknown[]) => recordOf(...fields)

interface Found {
  readonly file: string
  readonly line?: number
  readonly message: string
}

async function problemsOf(context: TestContext, files: Record<string, unknown>): Promise<Found[]> {
  const folder = await folderOf(context, files)
  const error = await loadContracts(folder).then(
    () => assert.fail('the contracts were accepted'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ContractError, String(error))
  return error.problems.map((problem) => ({
    ...problem,
    file: `${basename(dirname(problem.file))}/${basename(problem.file)}`,
  }))
}

test('a folder of contracts is read', async (context) => {
  const folder = await folderOf(context, {
    'orders/topic.yaml': `${topic}id: id\nearliness: 90 seconds\nimport_disorder_max: 2 days\n`,
    'orders/1.avsc': version({ name: 'id', type: 'long' }),
    'orders/2.avsc': version(
      { name: 'id', type: 'long' },
      { name: 'note', type: ['null', 'string'], default: null },
    ),
    'orders/README.md': 'left alone',
    'payments/topic.yaml': topic,
    'payments/1.avsc': version(),
    '.hidden/x': 'left alone',
  })
  const contracts = await loadContracts(folder)
  assert.deepEqual(contracts.topics, ['orders', 'payments'])
  const orders = contracts.get('orders')
  assert.ok(orders)
  assert.deepEqual(
    [orders.partitions, orders.earlinessMs, orders.importDisorderMaxMs, orders.idField],
    [4, 90_000, 172_800_000, 'id'],
  )
  assert.deepEqual(orders.fields, ['k', 'at', 'id', 'note'])
  assert.deepEqual(
    orders.versions.map(({ n }) => n),
    [1, 2],
  )
  assert.equal(contracts.get('payments')?.earlinessMs, 300_000)
  assert.equal(contracts.get('payments')?.importDisorderMaxMs, 3_600_000)
  assert.equal(contracts.get('other'), undefined)

  const event = { k: 'a', at, id: '9007199254740993' }
  const newest = orders.encode(event)
  assert.ok(newest.ok)
  assert.equal(newest.id, '9007199254740993')
  const decoder = new EventDecoder(contracts)
  assert.deepEqual(decoder.decode(newest.value), {
    topic: 'orders',
    version: 2,
    schemaId: orders.newest.schemaId,
    event: { ...event, note: null },
  })
  const first = orders.encode(event, 1)
  assert.ok(first.ok)
  assert.deepEqual(decoder.decode(first.value).event, event)
  const unknown = orders.encode(event, 3)
  assert.ok(!unknown.ok)
  assert.equal(unknown.errors[0]?.code, 'unknown_version')
  assert.throws(() => decoder.decode(Buffer.from('0000000001', 'hex')), { code: 'cannot_decode' })
  assert.throws(() => decoder.decode(Buffer.from('01', 'hex')), { code: 'bad_wire_format' })
  assert.throws(() => decoder.decode(newest.value.subarray(0, 9)), { code: 'cannot_decode' })
})

test('contracts are found where Kubernetes mounts them: as links into a hidden folder', async (context) => {
  const folder = await folderOf(context, {
    '..2026_11_26/orders/topic.yaml': topic,
    '..2026_11_26/orders/1.avsc': version(),
  })
  await symlink('..2026_11_26', join(folder, '..data'))
  await symlink('..data/orders', join(folder, 'orders'))
  assert.deepEqual((await loadContracts(folder)).topics, ['orders'])
})

test('ids and keys have one text form', async (context) => {
  const folder = await folderOf(context, {
    'a/topic.yaml': `${topic.replace('key: k', 'key: n')}id: u\n`,
    'a/1.avsc': version(
      { name: 'n', type: ['null', 'int'], default: null },
      { name: 'u', type: { type: 'string', logicalType: 'uuid' } },
    ),
  })
  const contract = (await loadContracts(folder)).get('a')
  const u = '0189A1B2-C3D4-7E5F-8A9B-0C1D2E3F4A5B'
  const result = contract?.encode({ k: 'x', at, n: 42, u })
  assert.ok(result?.ok)
  assert.deepEqual([result.key?.toString(), result.id], ['42', u.toLowerCase()])
  const keyless = contract?.encode({ k: 'x', at, u })
  assert.ok(keyless?.ok)
  assert.equal(keyless.key, null)
})

test('an empty id is refused', async (context) => {
  const folder = await folderOf(context, {
    'a/topic.yaml': `${topic}id: k\n`,
    'a/1.avsc': version(),
  })
  const result = (await loadContracts(folder)).get('a')?.encode({ k: '', at })
  assert.ok(result && !result.ok)
  assert.deepEqual([result.errors[0]?.code, result.errors[0]?.path], ['empty_id', '$.k'])
})

test('two versions with one number are refused', async (context) => {
  const [problem, ...more] = await problemsOf(context, {
    'a/topic.yaml': topic,
    'a/1.avsc': version(),
    'a/01.avsc': version(),
  })
  assert.deepEqual(more, [])
  assert.equal(problem?.file, 'a/1.avsc')
  assert.match(problem?.message ?? '', /two versions with one number: 01\.avsc and 1\.avsc/)
})

const cases: [
  name: string,
  files: Record<string, unknown>,
  expected: [file: string, line: number | undefined, message: RegExp][],
][] = [
  [
    'a gap',
    { 'a/topic.yaml': topic, 'a/1.avsc': version(), 'a/4.avsc': version() },
    [['a/4.avsc', undefined, /versions 2 to 3 are missing/]],
  ],
  [
    'no version 1',
    { 'a/topic.yaml': topic, 'a/2.avsc': version() },
    [['a/2.avsc', undefined, /version 1 is missing/]],
  ],
  ['no version', { 'a/topic.yaml': topic }, [['a/1.avsc', undefined, /first version/]]],
  [
    'a version without a number',
    { 'a/topic.yaml': topic, 'a/1.avsc': version(), 'a/new.avsc': version() },
    [['a/new.avsc', undefined, /named by its number/]],
  ],
  [
    'no topic.yaml',
    { 'a/1.avsc': version(), 'a/topic.yml': topic },
    [['a/topic.yaml', undefined, /rename topic\.yml/]],
  ],
  [
    'unknown key',
    { 'a/topic.yaml': `${topic}earlyness: 5 minutes\n`, 'a/1.avsc': version() },
    [['a/topic.yaml', 4, /unknown key "earlyness" \(did you mean "earliness"\?\)/]],
  ],
  [
    'bad duration',
    { 'a/topic.yaml': `${topic}earliness: 5m\n`, 'a/1.avsc': version() },
    [['a/topic.yaml', 4, /"earliness": expected a duration/]],
  ],
  [
    'bad partitions',
    { 'a/topic.yaml': topic.replace('4', 'many'), 'a/1.avsc': version() },
    [['a/topic.yaml', 3, /"partitions" is a whole number/]],
  ],
  [
    'missing keys',
    { 'a/topic.yaml': 'partitions: 1\n', 'a/1.avsc': version() },
    [
      ['a/topic.yaml', 1, /"key" names a field/],
      ['a/topic.yaml', 1, /"event_time"/],
    ],
  ],
  [
    'YAML error',
    { 'a/topic.yaml': 'key: k\nkey: j\n', 'a/1.avsc': version() },
    [['a/topic.yaml', 2, /unique/]],
  ],
  [
    'JSON error',
    { 'a/topic.yaml': topic, 'a/1.avsc': '{\n  "type": "record",\n  oops\n}' },
    [['a/1.avsc', 3, /not valid JSON/]],
  ],
  [
    'duplicate JSON key',
    { 'a/topic.yaml': topic, 'a/1.avsc': '{\n"type": "record",\n"type": "record"\n}' },
    [['a/1.avsc', 3, /unique/]],
  ],
  [
    'not a record',
    { 'a/topic.yaml': topic, 'a/1.avsc': '"string"' },
    [['a/1.avsc', 1, /an event is a record/]],
  ],
  [
    'unknown type',
    { 'a/topic.yaml': topic, 'a/1.avsc': version({ name: 'x', type: 'strin' }) },
    [['a/1.avsc', 18, /unknown type "strin" \(did you mean "string"\?\)/]],
  ],
  [
    'unknown logical type',
    {
      'a/topic.yaml': topic,
      'a/1.avsc': version({ name: 'x', type: { type: 'long', logicalType: 'timestamp-milis' } }),
    },
    [['a/1.avsc', 20, /did you mean "timestamp-millis"/]],
  ],
  [
    'bad default',
    {
      'a/topic.yaml': topic,
      'a/1.avsc': version({ name: 'x', type: ['string', 'null'], default: null }),
    },
    [
      [
        'a/1.avsc',
        22,
        /default of field "x" is not valid: expected string, got null \(a union's default is of its first type/,
      ],
    ],
  ],
  [
    'endless default',
    {
      'a/topic.yaml': topic,
      'a/1.avsc': version({
        name: 'x',
        type: { type: 'record', name: 'X', fields: [{ name: 'x', type: 'X', default: {} }] },
      }),
    },
    [['a/1.avsc', 25, /nested deeper/]],
  ],
  [
    'key field missing in a version',
    { 'a/topic.yaml': topic.replace('key: k', 'key: kk'), 'a/1.avsc': version() },
    [['a/1.avsc', 4, /"kk" as key.*did you mean "k"/]],
  ],
  [
    'key of a wrong type',
    {
      'a/topic.yaml': topic.replace('key: k', 'key: x'),
      'a/1.avsc': version({ name: 'x', type: 'double' }),
    },
    [['a/1.avsc', 16, /a key is string.*got double/]],
  ],
  [
    'key that is a time',
    { 'a/topic.yaml': topic.replace('key: k', 'key: at'), 'a/1.avsc': version() },
    [['a/1.avsc', 9, /a key is string/]],
  ],
  [
    'nullable id',
    {
      'a/topic.yaml': `${topic}id: x\n`,
      'a/1.avsc': version({ name: 'x', type: ['null', 'string'] }),
    },
    [['a/1.avsc', 16, /an id is.*not null/]],
  ],
  [
    'id with a default',
    {
      'a/topic.yaml': `${topic}id: x\n`,
      'a/1.avsc': version({ name: 'x', type: 'string', default: '' }),
    },
    [['a/1.avsc', 16, /an id has no default/]],
  ],
  [
    'event time that is no time',
    {
      'a/topic.yaml': topic.replace('event_time: at', 'event_time: x'),
      'a/1.avsc': version({ name: 'x', type: 'long' }),
    },
    [['a/1.avsc', 16, /timestamp-millis or timestamp-micros/]],
  ],
  [
    'columns that differ in case',
    { 'a/topic.yaml': topic, 'a/1.avsc': version({ name: 'K', type: 'long' }) },
    [['a/1.avsc', 16, /differ in case only/]],
  ],
  [
    'column of Kappa',
    { 'a/topic.yaml': topic, 'a/1.avsc': version({ name: '_id', type: 'long' }) },
    [['a/1.avsc', 16, /Kappa adds the column _id/]],
  ],
  [
    'incompatible version',
    {
      'a/topic.yaml': topic,
      'a/1.avsc': version(),
      'a/2.avsc': version({ name: 'x', type: 'long' }),
    },
    [
      [
        'a/2.avsc',
        16,
        /not backward compatible with version 1: field "x" \(rule missing_default\)/,
      ],
    ],
  ],
  [
    'incompatible with an earlier version than the one before',
    {
      'a/topic.yaml': topic,
      'a/1.avsc': version({ name: 'x', type: 'int' }),
      'a/2.avsc': version(),
      'a/3.avsc': version({ name: 'x', type: 'string', default: '' }),
    },
    [
      ['a/2.avsc', 1, /not forward compatible with version 1: field "x" \(rule missing_default\)/],
      [
        'a/3.avsc',
        16,
        /not backward compatible with version 1.*\(compatibility: full_transitive\)/,
      ],
      ['a/3.avsc', 16, /not forward compatible with version 1.*\(compatibility: full_transitive\)/],
    ],
  ],
  [
    'unknown compatibility',
    { 'a/topic.yaml': `${topic}compatibility: BACKWARDS\n`, 'a/1.avsc': version() },
    [['a/topic.yaml', 4, /"compatibility" is one of .*got "BACKWARDS" \(did you mean "backward"/]],
  ],
  [
    'topic name',
    { 'a b/topic.yaml': topic, 'a b/1.avsc': version() },
    [['a b', undefined, /letters, digits/]],
  ],
  [
    'reserved topic name',
    { 'kappa.x/topic.yaml': topic, 'kappa.x/1.avsc': version() },
    [['kappa.x', undefined, /are taken/]],
  ],
  [
    'topic names that metrics confuse',
    {
      'a.b/topic.yaml': topic,
      'a.b/1.avsc': version(),
      'a_b/topic.yaml': topic,
      'a_b/1.avsc': version(),
    },
    [['a_b', undefined, /apart/]],
  ],
]

for (const [name, files, expected] of cases) {
  test(`refused with file and line: ${name}`, async (context) => {
    const problems = await problemsOf(context, files)
    assert.equal(problems.length, expected.length, JSON.stringify(problems))
    for (const [index, [file, line, message]] of expected.entries()) {
      const problem = problems[index]
      assert.ok(problem)
      assert.ok(problem.file.endsWith(file), problem.file)
      assert.match(problem.message, message)
      assert.equal(problem.line, line)
    }
  })
}

test('all problems of all topics are in one error', async (context) => {
  const problems = await problemsOf(context, {
    'a/topic.yaml': `${topic}typo: 1\n`,
    'a/1.avsc': '{',
    'b/topic.yaml': topic,
  })
  assert.deepEqual(
    problems.map((problem) => problem.file),
    ['a/topic.yaml', 'a/1.avsc', 'b/1.avsc'],
  )
})

test('a folder that is not there is named', async () => {
  const missing = join(import.meta.dirname, 'no-such-folder')
  await assert.rejects(loadContracts(missing), {
    code: 'invalid_contract',
    message: /cannot be read/,
  })
})

test('two schemas that share an id by chance are refused', async (context) => {
  // Found by search: the normalized schemas of these two names hash to the same 31 bits.
  const problems = await problemsOf(context, {
    'a/topic.yaml': topic,
    'a/1.avsc': { ...version(), name: 'C76223' },
    'b/topic.yaml': topic,
    'b/1.avsc': { ...version(), name: 'C97391' },
  })
  assert.equal(problems.length, 1)
  assert.match(problems[0]?.message ?? '', /same id \(914085531\) as .*a.1\.avsc/)
})

test('equal schemas of two topics share their id', async (context) => {
  const files = { 'a/topic.yaml': topic, 'a/1.avsc': version() }
  const folder = await folderOf(context, { ...files, 'b/topic.yaml': topic, 'b/1.avsc': version() })
  const contracts = await loadContracts(folder)
  assert.equal(contracts.get('a')?.newest.schemaId, contracts.get('b')?.newest.schemaId)
})

test('the default of a long keeps all its digits', async (context) => {
  const text = JSON.stringify(version({ name: 'n', type: 'long', default: 0 }))
  const folder = await folderOf(context, {
    'a/topic.yaml': topic,
    'a/1.avsc': text.replace('"default":0', '"default":9007199254740993'),
  })
  const contract = (await loadContracts(folder)).get('a')
  const [absent, given] = [{}, { n: '9007199254740993' }].map((more) =>
    contract?.encode({ k: 'a', at, ...more }),
  )
  assert.deepEqual(absent, given)
})

test('the compatibility of a topic is chosen in topic.yaml', async (context) => {
  const files = {
    'a/1.avsc': version({ name: 'x', type: 'int' }),
    'a/2.avsc': version(),
    'a/3.avsc': version({ name: 'x', type: 'string', default: '' }),
  }
  const verdicts = new Map<string, string[]>()
  for (const mode of compatibilityModes) {
    const folder = await folderOf(context, {
      ...files,
      'a/topic.yaml': `${topic}compatibility: ${mode}\n`,
    })
    const found = await loadContracts(folder).then(
      (contracts) => {
        assert.equal(contracts.get('a')?.compatibility, mode)
        return []
      },
      (error: ContractError) =>
        error.problems.map(({ file, field, rule }) => `${basename(file)} ${field} ${rule}`),
    )
    verdicts.set(mode, found)
  }
  // By hand: version 1 cannot read 2 (x has no default); 1 and 3 cannot read each other's x.
  const narrowed = '2.avsc x missing_default'
  const retyped = '3.avsc x type'
  assert.deepEqual(Object.fromEntries(verdicts), {
    none: [],
    backward: [],
    forward: [narrowed],
    full: [narrowed],
    backward_transitive: [retyped],
    forward_transitive: [narrowed, retyped],
    full_transitive: [narrowed, retyped, retyped],
  })
})

test('versions are fully and transitively compatible when topic.yaml does not say', async (context) => {
  const folder = await folderOf(context, { 'a/topic.yaml': topic, 'a/1.avsc': version() })
  assert.equal((await loadContracts(folder)).get('a')?.compatibility, 'full_transitive')
})
