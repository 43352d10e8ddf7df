import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { listApplications, loadApplication } from '@kappa/applications/load'
import { ApplicationError, type Problem } from '@kappa/applications/problems'

const folder = mkdtempSync(join(tmpdir(), 'kappa-applications-'))
after(() => rmSync(folder, { recursive: true }))

const valid = `application: shop
streams:
  orders: { topic: shop.orders, lateness: 30 minutes }
datasets:
  prices: { format: csv, path: datasets/prices.csv, schema: "item STRING, price DECIMAL(10,2)" }
views:
  totals: { key: [item], delete_when: "n = 0" }
`

function writeApplication(
  yaml: string,
  views: Record<string, string> = { totals: 'SELECT item, count(*) n FROM orders GROUP BY item' },
) {
  rmSync(join(folder, 'shop'), { recursive: true, force: true })
  mkdirSync(join(folder, 'shop', 'views'), { recursive: true })
  writeFileSync(join(folder, 'shop', 'application.yaml'), yaml)
  for (const [name, sql] of Object.entries(views))
    writeFileSync(join(folder, 'shop', 'views', `${name}.sql`), sql)
}

async function problemsOf(
  yaml: string,
  views?: Record<string, string>,
): Promise<readonly Problem[]> {
  writeApplication(yaml, views)
  try {
    await loadApplication(folder, 'shop')
  } catch (error) {
    assert.ok(error instanceof ApplicationError)
    return error.problems
  }
  return []
}

test('a valid application is read, with its defaults and its SQL untouched', async () => {
  writeApplication(valid)
  const definition = await loadApplication(folder, 'shop')
  assert.deepEqual(definition.streams.orders, {
    topic: 'shop.orders',
    latenessMs: 1_800_000,
    undecodableEventsMax: 1_000,
  })
  assert.equal(definition.views.totals?.sql, 'SELECT item, count(*) n FROM orders GROUP BY item')
  assert.equal(definition.views.totals?.deleteWhen, 'n = 0')
  assert.deepEqual(definition.spark, {
    cores: 2,
    memory: '1g',
    executors: 1,
    shufflePartitions: 2,
  })
  assert.deepEqual(await listApplications(folder), ['shop'])
})

test('applications are found where Kubernetes mounts them: as links into a hidden folder', async () => {
  const mounted = mkdtempSync(join(tmpdir(), 'kappa-mounted-'))
  try {
    mkdirSync(join(mounted, '..2026_11_26', 'shop', 'views'), { recursive: true })
    writeFileSync(join(mounted, '..2026_11_26', 'shop', 'application.yaml'), valid)
    const sql = 'SELECT item, count(*) n FROM orders GROUP BY item'
    writeFileSync(join(mounted, '..2026_11_26', 'shop', 'views', 'totals.sql'), sql)
    symlinkSync('..2026_11_26', join(mounted, '..data'))
    symlinkSync('..data/shop', join(mounted, 'shop'))
    assert.deepEqual(await listApplications(mounted), ['shop'])
    assert.equal((await loadApplication(mounted, 'shop')).views.totals?.sql, sql)
  } finally {
    rmSync(mounted, { recursive: true })
  }
})

test('a view without a key is refused with file and line', async () => {
  const problems = await problemsOf(valid.replace('key: [item], ', ''))
  assert.deepEqual(
    problems.map(({ file, line }) => [file, line]),
    [['application.yaml', 7]],
  )
  assert.match(problems[0]?.message ?? '', /views\.totals\.key must be a list of texts/)
})

test('a view retains its rows for a time that is more than none, by its time column', async () => {
  const withRetain = (view: string) => valid.replace('{ key: [item], delete_when: "n = 0" }', view)
  writeApplication(withRetain('{ key: [item], time: day, retain: 30 days }'))
  const { views } = await loadApplication(folder, 'shop')
  assert.equal(views.totals?.retainMs, 30 * 24 * 3_600_000)
  for (const [view, wrong] of [
    ['{ key: [item], retain: 30 days }', /views\.totals\.retain needs `time`/],
    ['{ key: [item], time: day, retain: for ever }', /views\.totals\.retain is wrong/],
    ['{ key: [item], time: day, retain: 0 days }', /views\.totals\.retain is /],
  ] as const) {
    const problems = await problemsOf(withRetain(view))
    assert.deepEqual(
      problems.map(({ line }) => line),
      [7],
      view,
    )
    assert.match(problems[0]?.message ?? '', wrong)
  }
})

test('a cluster has as many executors as are asked for, and may be allowed to grow', async () => {
  writeApplication(`${valid}\nspark: { cores: 3, executors: 2, executors_max: 5 }`)
  const { spark } = await loadApplication(folder, 'shop')
  assert.deepEqual([spark.executors, spark.executorsMax], [2, 5])
  const problems = await problemsOf(`${valid}\nspark: { executors: 3, executors_max: 2 }`)
  assert.match(problems[0]?.message ?? '', /spark\.executors_max is 2, less than executors/)
})

test('every problem is told at once, each with its line', async () => {
  const yaml = valid
    .replace('30 minutes', 'half an hour')
    .replace('format: csv', 'format: xml')
    .replace('application: shop', 'application: shop\nstreems: {}')
  const problems = await problemsOf(yaml, {
    totals: 'SELECT rand() FROM orders',
    other: 'SELECT 1',
  })
  const told = problems
    .map(({ file, line, message }) => `${file}:${line ?? ''} ${message}`)
    .join('\n')
  assert.match(told, /application.yaml:2 streems is not known here/)
  assert.match(told, /application.yaml:4 streams\.orders\.lateness is wrong/)
  assert.match(told, /application.yaml:6 datasets\.prices\.format must be one of csv, parquet/)
  assert.match(told, /views\/totals\.sql:1 rand gives another answer/)
  assert.match(told, /views\/other\.sql: is not listed under views/)
})

test('a missing SQL file, a path out of the folder and broken YAML are told', async () => {
  assert.match((await problemsOf(valid, {}))[0]?.message ?? '', /views\/totals\.sql is missing/)
  const outside = await problemsOf(valid.replace('datasets/prices.csv', '../secrets.csv'))
  assert.match(outside[0]?.message ?? '', /must stay inside the application folder/)
  assert.ok((await problemsOf('application: [')).length > 0)
})
