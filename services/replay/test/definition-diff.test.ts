import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ApplicationDefinition, ViewDefinition } from '@kappa/applications/definition'
import { ApplicationError } from '@kappa/applications/problems'
import type { ReleaseDefinition } from '@kappa/applications/records'
import type { StreamSource } from '@kappa/applications/stream-plan'
import { applyPatch } from 'diff'
import { Compile } from 'typebox/compile'
import { definitionDiff } from '../definitions/definition-diff.ts'
import { diffDefinitions, type FolderState } from '../definitions/diff-definitions.ts'
import { sqlDiff } from '../definitions/sql-diff.ts'
import { hashDatasets } from '../releases/datasets.ts'
import { folderDiffers } from '../releases/release-request.ts'

const check = Compile(definitionDiff)

const view: ViewDefinition = {
  sql: 'SELECT a, count(*) AS n\nFROM clicks\nGROUP BY a\n',
  file: 'views/counts.sql',
  key: ['a'],
}
const definition: ApplicationDefinition = {
  application: 'shop',
  description: 'A shop.',
  streams: { clicks: { topic: 'clicks', latenessMs: 1_000, undecodableEventsMax: 5 } },
  datasets: { places: { format: 'csv', path: 'places.csv', schema: 'a STRING' } },
  views: { counts: view },
  spark: { cores: 1, memory: '1g', shufflePartitions: 2 },
  changelog: { partitions: 2 },
}
const source: StreamSource = {
  name: 'clicks',
  topic: 'clicks',
  eventTime: 'at',
  latenessMs: 1_000,
  earlinessMs: 300_000,
  importDisorderMaxMs: 0,
  columns: ['a', 'at'],
  versions: [{ schemaId: 1, schema: 'one' }],
  readerSchema: 'one',
}
const columns = [
  { name: 'a', type: 'string', nullable: true },
  { name: 'n', type: 'bigint', nullable: false },
]
const live: ReleaseDefinition = {
  ...definition,
  views: {
    counts: { ...view, columns, outputMode: 'update', changelog: { topic: 't', partitions: 2 } },
  },
  sources: { clicks: source },
  pinned: { places: { location: 's3a://b/places', sha256: 'old' } },
}
const folder: FolderState = {
  definition,
  sources: { clicks: source },
  sha256: { places: 'old' },
  columns: { counts: columns },
}

/** What differs once the folder is changed; as it goes over HTTP, and of the published form. */
function diffWith(changed: Partial<FolderState>, of: Partial<ApplicationDefinition> = {}) {
  const state = { ...folder, definition: { ...definition, ...of }, ...changed }
  const diff = JSON.parse(JSON.stringify(diffDefinitions(live, state)))
  assert.ok(check.Check(diff), JSON.stringify(check.Errors(diff)))
  return diff
}

test('a folder that is what the release was made of differs in nothing', () => {
  const nothing = { equal: true, settings: [], views: [], streams: [], datasets: [] }
  assert.deepEqual(diffWith({}), nothing)
  const clicks = { topic: 'clicks', latenessMs: 1_000, undecodableEventsMax: 99 }
  assert.deepEqual(diffWith({}, { streams: { clicks } }), nothing, 'a bound is no difference')
  const spark = { ...definition.spark, executors: 1 }
  assert.deepEqual(diffWith({}, { spark }), nothing, 'a release from before executors has one')
})

test('whatever makes a folder differ from its release is in the diff', () => {
  const places = { format: 'csv' as const, path: 'places.csv', schema: 'a STRING' }
  const clicks = { topic: 'clicks', latenessMs: 1_000 }
  const changes: Partial<ApplicationDefinition>[] = [
    { description: 'Another shop.' },
    { spark: { ...definition.spark, cores: 2 } },
    { spark: { ...definition.spark, memory: '2g' } },
    { spark: { ...definition.spark, executors: 2 } },
    { spark: { ...definition.spark, executorsMax: 2 } },
    { spark: { ...definition.spark, shufflePartitions: 3 } },
    { changelog: { partitions: 3 } },
    { views: {} },
    { views: { counts: view, more: view } },
    { views: { counts: { ...view, sql: 'SELECT' } } },
    { views: { counts: { ...view, key: ['a', 'b'] } } },
    { views: { counts: { ...view, time: 'at' } } },
    { views: { counts: { ...view, deleteWhen: 'n = 0' } } },
    { datasets: {} },
    { datasets: { places, more: places } },
    { datasets: { places: { ...places, format: 'parquet' } } },
    { datasets: { places: { ...places, path: 'others.csv' } } },
    { datasets: { places: { ...places, schema: 'b STRING' } } },
    { datasets: { places: { ...places, nullValue: 'NA' } } },
    { streams: {} },
    { streams: { clicks, more: clicks } },
    { streams: { clicks: { ...clicks, topic: 'touches' } } },
    { streams: { clicks: { ...clicks, latenessMs: 2_000 } } },
  ]
  const record = {
    application: 'shop',
    release: 1,
    state: 'live' as const,
    definition: live,
    epoch: 1,
    updated_at: 0,
  }
  for (const change of changes) {
    const changed = { ...definition, ...change }
    assert.ok(folderDiffers(changed, record))
    const streams = Object.entries(changed.streams).map(([name, stream]) => [
      name,
      { ...source, name, ...stream },
    ])
    const { equal } = diffWith({ sources: Object.fromEntries(streams) }, change)
    assert.equal(equal, false, JSON.stringify(change))
  }
})

test('a changed view shows its SQL as a unified diff that patch reads, and its columns', () => {
  const sql = view.sql.replace('count(*) AS n', 'sum(b) AS n, max(b) AS most')
  const analysed = [
    { name: 'n', type: 'double', nullable: true },
    { name: 'most', type: 'int', nullable: true },
  ]
  const changed = { ...view, sql, key: ['n'] }
  const { views } = diffWith({ columns: { counts: analysed } }, { views: { counts: changed } })
  assert.deepEqual(views, [
    {
      view: 'counts',
      change: 'changed',
      fields: [{ field: 'key', old: ['a'], new: ['n'] }],
      sql_diff: [
        '--- live/views/counts.sql',
        '+++ folder/views/counts.sql',
        '@@ -1,3 +1,3 @@',
        '-SELECT a, count(*) AS n',
        '+SELECT a, sum(b) AS n, max(b) AS most',
        ' FROM clicks',
        ' GROUP BY a',
        '',
      ].join('\n'),
      columns: [
        { column: 'a', old_type: 'string', new_type: null },
        { column: 'n', old_type: 'bigint', new_type: 'double' },
        { column: 'most', old_type: null, new_type: 'int' },
      ],
    },
  ])
  assert.equal(applyPatch(view.sql, views[0]?.sql_diff ?? ''), sql)
})

test('columns that change although the SQL does not are a change; unknown ones are not told', () => {
  const wider = [columns[0], { name: 'n', type: 'decimal(20,0)', nullable: true }]
  const { views } = diffWith({ columns: { counts: wider as typeof columns } })
  assert.deepEqual(views, [
    {
      view: 'counts',
      change: 'changed',
      fields: [],
      columns: [{ column: 'n', old_type: 'bigint', new_type: 'decimal(20,0)' }],
    },
  ])
  const { columns: _columns, ...notAnalysed } = folder
  assert.deepEqual(diffDefinitions(live, notAnalysed).views, [])
})

test('views that come and go are shown whole', () => {
  const { views } = diffWith({}, { views: { more: { ...view, file: 'views/more.sql' } } })
  const [gone, added] = views
  assert.deepEqual([gone?.change, added?.change], ['removed', 'added'])
  assert.equal(applyPatch('', added?.sql_diff ?? ''), view.sql)
  assert.match(added?.sql_diff ?? '', /^--- \/dev\/null\n\+\+\+ folder\/views\/more.sql\n/)
  assert.equal(applyPatch(view.sql, gone?.sql_diff ?? ''), '')
})

test('a newer contract shows what is decoded to what', () => {
  const newer = {
    ...source,
    earlinessMs: 1,
    columns: ['a', 'b'],
    versions: [{ schemaId: 2, schema: 'two' }],
    readerSchema: 'two',
  }
  const { streams } = diffWith({ sources: { clicks: newer } })
  assert.deepEqual(streams, [
    {
      stream: 'clicks',
      change: 'changed',
      fields: [{ field: 'earliness', old: 300_000, new: 1 }],
      contract: {
        old_schema_id: 1,
        new_schema_id: 2,
        columns_added: ['b'],
        columns_removed: ['at'],
        versions_added: [2],
        versions_removed: [1],
      },
    },
  ])
})

test('a dataset whose file holds something else is a change of the dataset', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'kappa-definition-diff-'))
  try {
    await mkdir(join(parent, 'shop'))
    await assert.rejects(hashDatasets(definition, parent), ApplicationError)
    await writeFile(join(parent, 'shop', 'places.csv'), 'abc')
    const sha256 = await hashDatasets(definition, parent)
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    assert.deepEqual(diffWith({ sha256 }).datasets, [
      {
        dataset: 'places',
        change: 'changed',
        fields: [{ field: 'sha256', old: 'old', new: abc }],
      },
    ])
  } finally {
    await rm(parent, { recursive: true })
  }
})

test('texts that have nothing in common are shown whole, without a search of seconds', () => {
  const text = (word: string) => Array.from({ length: 20_000 }, (_, n) => `${word} ${n}\n`).join('')
  const startedAt = performance.now()
  const diff = sqlDiff('views/v.sql', text('a'), text('b')) ?? ''
  assert.ok(performance.now() - startedAt < 5_000)
  assert.equal(applyPatch(text('a'), diff), text('b'))
})
