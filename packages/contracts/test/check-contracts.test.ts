import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cp, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkContracts } from '@kappa/contracts/check-contracts'
import { folderOf, recordOf } from './helpers.ts'

const topic = 'key: k\nid: id\nevent_time: at\npartitions: 4\n'
const id = { name: 'id', type: 'string' }
const note = { name: 'note', type: ['null', 'string'], default: null }
const first = recordOf(id)
const second = recordOf(id, note)
const published = {
  'orders/topic.yaml': topic,
  'orders/1.avsc': first,
  'orders/2.avsc': second,
  'payments/topic.yaml': topic,
  'payments/1.avsc': first,
}

/** The problems of the folder after the changes (`null` takes a file away), against the folder before. */
async function changed(context: TestContext, changes: Readonly<Record<string, unknown>>) {
  const before = await folderOf(context, published)
  const now = Object.entries({ ...published, ...changes }).filter(([, content]) => content !== null)
  const folder = await folderOf(context, Object.fromEntries(now))
  const check = await checkContracts(folder, { against: before })
  return check.problems.map((problem) => ({ ...problem, file: relative(folder, problem.file) }))
}

test('sound contracts have no problems and are returned', async (context) => {
  const folder = await folderOf(context, published)
  const { contracts, problems, versionsCompared } = await checkContracts(folder)
  assert.deepEqual(problems, [])
  assert.deepEqual(
    contracts.map((contract) => `${contract.topic} ${contract.versions.length}`),
    ['orders 2', 'payments 1'],
  )
  assert.equal(versionsCompared, 0)
  assert.equal((await checkContracts(folder, { against: folder })).versionsCompared, 3)
})

test('a broken rule is told with file, line, field and rule', async (context) => {
  const x = { name: 'x', type: { type: 'array', items: { ...recordOf(), name: 'I' } } }
  const folder = await folderOf(context, {
    'orders/topic.yaml': topic,
    'orders/1.avsc': recordOf(id),
    'orders/2.avsc': recordOf(id, { ...x, default: [] }),
    'orders/3.avsc': recordOf(id, {
      ...x,
      default: [],
      type: { type: 'array', items: { ...recordOf({ name: 'm', type: 'int' }), name: 'I' } },
    }),
  })
  const { problems, contracts } = await checkContracts(folder)
  assert.deepEqual(contracts, [])
  const [problem, ...more] = problems
  assert.deepEqual(more, [])
  const { file, line, field, rule } = problem ?? {}
  assert.deepEqual(
    { file, line, field, rule },
    { file: join(folder, 'orders/3.avsc'), line: 20, field: 'x[].m', rule: 'missing_default' },
  )
})

test('a new version, and what readers do not see, may change', async (context) => {
  const problems = await changed(context, {
    'orders/topic.yaml': `# text\n${topic}earliness: 1 hour\ncompatibility: backward\n`,
    'orders/1.avsc': JSON.stringify({ ...first, doc: 'An order.' }),
    'orders/3.avsc': recordOf(id, note, { name: 'x', type: 'int', default: 0 }),
    'refunds/topic.yaml': topic,
    'refunds/1.avsc': first,
  })
  assert.deepEqual(problems, [])
})

const edits: [
  name: string,
  changes: Record<string, unknown>,
  expected: [file: string, line: number | undefined, rule: string, message: RegExp][],
][] = [
  [
    'a field added',
    { 'payments/1.avsc': recordOf(id, note) },
    [['payments/1.avsc', 20, 'published_version', /field "note" was added; .*into 2\.avsc/]],
  ],
  [
    'a field taken away',
    { 'orders/2.avsc': recordOf(id) },
    [['orders/2.avsc', 4, 'published_version', /field "note" was taken away; .*into 3\.avsc/]],
  ],
  [
    'a default',
    { 'orders/2.avsc': recordOf(id, { ...note, type: ['string', 'null'], default: '' }) },
    [['orders/2.avsc', 20, 'published_version', /field "note" was .*null.* and is .*"default":""/]],
  ],
  [
    'the order of fields',
    { 'payments/1.avsc': { ...first, fields: (first.fields as unknown[]).toReversed() } },
    [['payments/1.avsc', 1, 'published_version', /the order of its fields/]],
  ],
  [
    'a version taken away',
    { 'orders/2.avsc': null },
    [['orders/2.avsc', undefined, 'published_version', /is gone.*restore the file/]],
  ],
  [
    'a topic taken away',
    { 'payments/topic.yaml': null, 'payments/1.avsc': null },
    [['payments', undefined, 'published_topic', /"payments" was published and is gone/]],
  ],
  [
    'what the log depends on in topic.yaml',
    { 'orders/topic.yaml': topic.replace('key: k', 'key: id').replace('4', '8') },
    [
      ['orders/topic.yaml', 1, 'published_topic', /"key" was "k" and is "id"/],
      ['orders/topic.yaml', 4, 'published_topic', /"partitions" was 4 and is 8/],
    ],
  ],
]

for (const [name, changes, expected] of edits) {
  test(`refused after publishing: ${name}`, async (context) => {
    const problems = await changed(context, changes)
    assert.equal(problems.length, expected.length, JSON.stringify(problems))
    for (const [index, [file, line, rule, message]] of expected.entries()) {
      const problem = problems[index]
      assert.deepEqual([problem?.file, problem?.line, problem?.rule], [file, line, rule])
      assert.match(problem?.message ?? '', message)
    }
  })
}

test('the earlier state can be a revision of git', async (context) => {
  const repository = await folderOf(context, { 'README.md': 'x' })
  const folder = join(repository, 'app', 'schemas')
  await cp(await folderOf(context, published), folder, { recursive: true })
  const git = (...command: string[]) => execFileSync('git', ['-C', repository, ...command])
  const identity = ['-c', 'user.name=x', '-c', 'user.email=x@example.org']
  git('init', '--quiet', '--initial-branch=main')
  git('add', '.')
  git(...identity, 'commit', '--quiet', '--message', 'x')
  const same = await checkContracts(folder, { against: 'git:main' })
  assert.deepEqual([same.versionsCompared, same.problems], [3, []])
  await writeFile(join(folder, 'payments/1.avsc'), JSON.stringify(recordOf(id, note)))
  await rm(join(folder, 'orders/2.avsc'))
  const { problems } = await checkContracts(folder, { against: 'git:HEAD' })
  assert.deepEqual(
    problems.map(({ file, rule }) => [relative(folder, file), rule]),
    [
      ['orders/2.avsc', 'published_version'],
      ['payments/1.avsc', 'published_version'],
    ],
  )
})

test('an earlier state that cannot be read is a problem, not silence', async (context) => {
  const folder = await folderOf(context, published)
  for (const [against, message] of [
    ['main', /main cannot be read.*git:main/],
    ['git:main', /git rev-parse .*not a git repository/i],
    ['git:--help', /git rev-parse/],
  ] as const) {
    const { problems } = await checkContracts(folder, { against })
    assert.equal(problems.length, 1)
    assert.match(problems[0]?.message ?? '', message)
  }
  const missing = await checkContracts(join(folder, 'nowhere'), { against: folder })
  assert.match(missing.problems[0]?.message ?? '', /cannot be read/)
})
