import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ExpectedViewDifferences } from '@kappa/applications/replay-record'
import { SparkError } from '@kappa/spark-connect/errors'
import { waitFor } from '@kappa/test/platform/wait'
import { compareView } from '../comparing/compare-view.ts'
import { compareViews } from '../comparing/compare-views.ts'
import type { ComparedSide } from '../comparing/compared-side.ts'
import type { ComparingBounds } from '../comparing/comparing-parts.ts'
import { ExpectedDifferencesError } from '../comparing/expected-differences-error.ts'
import { bounds, type ChangelogEntry, ComparingFixture, columnsOf } from './comparing-fixture.ts'

let fixture: ComparingFixture

before(async () => {
  fixture = await ComparingFixture.start('comparing')
})
after(async () => {
  await fixture?.stop()
})

function compare(
  before: ComparedSide,
  after: ComparedSide,
  expected?: ExpectedViewDifferences,
  other: Partial<ComparingBounds> = {},
) {
  const { session, kafkaOptions: kafka } = fixture
  const parts = { session, kafka, bounds: { ...bounds, ...other } }
  return compareView(parts, { old: before, new: after }, expected)
}

const view = { key: ['k'], columns: columnsOf('k string', 'n bigint') }
const entry = (k: string, n: number | string, batch = 1): ChangelogEntry => ({
  key: [k],
  row: `{"k":"${k}","n":${n}}`,
  batch,
})

test('rows that are added, missing and changed are told by key, with both rows and exact numbers', async () => {
  const [big, bigger] = ['9007199254740991', '9007199254740993']
  const old = await fixture.side(view, [entry('a', 1), entry('b', 2), entry('c', big)])
  const now = await fixture.side(view, [entry('a', 1), entry('c', bigger), entry('d', 4)], 3)
  assert.deepEqual(await compare(old, now), {
    verdict: 'different',
    equal: 1,
    changed: 1,
    only_old: 1,
    only_new: 1,
    unsettled: 0,
    expected: 0,
    unexplained: 3,
    changed_by_column: { n: 1 },
    schema_changes: [],
    samples: [
      {
        kind: 'changed',
        key: '["c"]',
        old: { k: 'c', n: Number(big) },
        new: { k: 'c', n: bigger },
        columns: ['n'],
        expected: false,
      },
      {
        kind: 'only_new',
        key: '["d"]',
        old: null,
        new: { k: 'd', n: 4 },
        columns: [],
        expected: false,
      },
      {
        kind: 'only_old',
        key: '["b"]',
        old: { k: 'b', n: 2 },
        new: null,
        columns: [],
        expected: false,
      },
    ],
  })
})

test('the changelog counts up to its ends only; partitions and changelogs may be empty', async () => {
  const topic = await fixture.createTopic(4)
  await fixture.append(topic, [entry('a', 1), entry('b', 2)])
  const changelogEnds = await fixture.endsOf(topic)
  await fixture.append(topic, [entry('a', 9, 2), entry('z', 9, 2), { key: ['b'], row: null }])
  const changelog = { topic, partitions: 4 }
  const cut = {
    view: { ...view, sql: 'SELECT 1', outputMode: 'update' as const, changelog },
    changelogEnds,
  }
  const other = await fixture.side(view, [entry('b', 2), entry('a', 1)])
  const equal = await compare(cut, other)
  assert.deepEqual([equal.verdict, equal.equal, equal.unexplained], ['equal', 2, 0])

  const [empty, never] = [await fixture.side(view, []), await fixture.side(view, [], 2)]
  const bothEmpty = await compare(empty, { ...never, changelogEnds: {} })
  assert.deepEqual([bothEmpty.verdict, bothEmpty.equal], ['equal', 0])
  const lost = await compare(cut, empty)
  assert.deepEqual([lost.verdict, lost.only_old], ['different', 2])
})

test('offsets that compaction has removed are no rows and no loss', async () => {
  const topic = await fixture.createTopic(1, {
    'segment.ms': '100',
    'min.cleanable.dirty.ratio': '0.001',
  })
  const updates = Array.from({ length: 300 }, (_, batch) => entry(`k${batch % 3}`, batch, batch))
  await fixture.append(topic, updates)
  const recordsLeft = async () => {
    await fixture.append(topic, [entry('tick', Date.now(), Date.now())])
    const records = await Array.fromAsync(fixture.kafka.readToEnd(topic))
    return records.length < 100 ? records : undefined
  }
  await waitFor('Compaction', recordsLeft, 120_000)
  await fixture.append(topic, [entry('tick', 1, Date.now() + 1_000)])
  const compacted: ComparedSide = {
    view: { ...view, sql: 'SELECT 1', outputMode: 'update', changelog: { topic, partitions: 1 } },
    changelogEnds: await fixture.endsOf(topic),
  }
  const rows = [entry('k0', 297), entry('k1', 298), entry('k2', 299), entry('tick', 1)]
  const { verdict, equal } = await compare(compacted, await fixture.side(view, rows))
  assert.deepEqual([verdict, equal], ['equal', 4])
})

test('a changed schema is different unless declared; what both sides have is compared', async () => {
  const columns = ['k string', 'n bigint', 'gone int', 'price double', 'name string']
  const old = await fixture.side({ key: ['k'], columns: columnsOf(...columns) }, [
    { key: ['a'], row: '{"k":"a","n":1,"gone":7,"price":1.5,"name":"1"}' },
    { key: ['b'], row: '{"k":"b","n":1,"gone":7,"price":2.5,"name":"2"}' },
  ])
  const changed = ['k string', 'price decimal(10,4)', 'n bigint', 'name int', 'added boolean']
  const now = await fixture.side({ key: ['k'], columns: columnsOf(...changed) }, [
    { key: ['a'], row: '{"k":"a","price":1.5000,"n":1,"name":1,"added":true}' },
    { key: ['b'], row: '{"k":"b","price":2.5001,"n":1,"name":3,"added":true}' },
  ])
  const plain = await compare(old, now)
  assert.deepEqual(plain.schema_changes, [
    { column: 'gone', old_type: 'int', new_type: null },
    { column: 'price', old_type: 'double', new_type: 'decimal(10,4)' },
    { column: 'name', old_type: 'string', new_type: 'int' },
    { column: 'added', old_type: null, new_type: 'boolean' },
  ])
  assert.deepEqual([plain.equal, plain.changed_by_column], [1, { price: 1, name: 1 }])
  assert.equal(plain.verdict, 'different')

  const values = { columns: ['price', 'name'] }
  const undeclared = await compare(old, now, values)
  assert.deepEqual([undeclared.unexplained, undeclared.verdict], [0, 'different'])
  assert.match(undeclared.reason ?? '', /gone, added/)
  const declared = await compare(old, now, { columns: [...values.columns, 'gone', 'added'] })
  assert.deepEqual([declared.verdict, declared.equal, declared.expected], ['equal', 1, 1])
})

test('another key makes a view not comparable', async () => {
  const keyed = (key: string[], ...columns: string[]) =>
    fixture.side({ key, columns: columnsOf(...columns) }, [])
  const old = await keyed(['a', 'b'], 'a string', 'b date')
  for (const now of [
    await keyed(['b', 'a'], 'a string', 'b date'),
    await keyed(['a'], 'a string', 'b date'),
    await keyed(['a', 'b'], 'a string', 'b timestamp'),
  ]) {
    const { verdict, reason } = await compare(old, now)
    assert.equal(verdict, 'not_comparable')
    assert.match(reason ?? '', /The key was \(a string, b date\) and is/)
  }
})

test('in append mode a row that the watermark of the other side has not passed is unsettled', async () => {
  const append = {
    key: ['k'],
    time: 'at',
    columns: columnsOf('k string', 'at timestamp'),
    outputMode: 'append' as const,
  }
  const at = (k: string, seconds: number): ChangelogEntry => ({
    key: [k],
    row: `{"k":"${k}","at":"1970-01-01T00:00:0${seconds}.000000Z"}`,
  })
  const both = [at('a', 1), at('b', 2)]
  const old = await fixture.side(append, [...both, at('c', 3), at('d', 5), at('e', 6)])
  const now = await fixture.side(append, [...both, at('f', 4)])
  const kinds = async (before: ComparedSide, after: ComparedSide, most = 9, where?: string) => {
    const expected = where === undefined ? {} : { where }
    const found = await compare(before, after, expected, { unsettledRowsMax: most })
    const { verdict, only_old, only_new, unsettled } = found
    return [verdict, only_old, only_new, unsettled]
  }
  const waited = (side: ComparedSide, watermarkMs: number) => ({ ...side, watermarkMs })

  assert.deepEqual(await kinds(waited(old, 7_000), waited(now, 5_000)), ['different', 1, 1, 2])
  // The new side has given f, so the old one, which is ahead, would have, too.
  assert.deepEqual(await kinds(waited(old, 4_000), waited(now, 3_000)), ['different', 0, 1, 3])
  const few = await compare(old, now, {}, { unsettledRowsMax: 3 })
  assert.equal(few.verdict, 'not_comparable')
  assert.match(few.reason ?? '', /4 rows .*unsettled_rows_max is 3/)
  assert.ok(few.samples.every(({ kind, expected }) => kind === 'unsettled' && !expected))
  // Both have given everything up to the same watermark.
  assert.deepEqual(await kinds(waited(old, 2_000), waited(now, 2_000)), ['different', 3, 1, 0])
  assert.deepEqual(await kinds(old, now), ['equal', 0, 0, 4])
  // What was declared need not settle.
  const declared = await kinds(old, now, 0, `k > 'b'`)
  assert.deepEqual(declared, ['equal', 3, 1, 0])
  const timeless = ({ view, ...side }: ComparedSide): ComparedSide => {
    const { time: _time, ...rest } = view
    return { ...side, view: rest }
  }
  const [first, second] = [waited(timeless(old), 7_000), waited(timeless(now), 5_000)]
  assert.deepEqual(await kinds(first, second), ['different', 0, 1, 3])
  // The start of a window that lasts two seconds: c ends at 5, as the watermark does.
  const windowed = (side: ComparedSide, call: string): ComparedSide => ({
    ...side,
    view: { ...side.view, sql: `SELECT k, window.start AS at FROM s GROUP BY k, ${call}` },
  })
  for (const [call, behind] of [
    ["window(at, '2 seconds')", 3],
    ["window(at, '2 seconds', '1 second')", 3],
    ["window(at, '1 second')", 2],
    ["`session_window`(at, '1 second')", 3],
    ['window(at, length)', 3],
  ] as const) {
    const [left, right] = [windowed(waited(old, 7_000), call), windowed(waited(now, 5_000), call)]
    assert.deepEqual(await kinds(left, right), ['different', 3 - behind, 1, behind], call)
  }
  // A side that gives rows at once has no row still to come.
  const atOnce = { ...old, view: { ...old.view, outputMode: 'update' as const } }
  assert.deepEqual(await kinds(atOnce, waited(now, 5_000)), ['different', 1, 1, 2])
})

test('nothing equal is never a pass, whatever is declared', async () => {
  const old = await fixture.side(view, [entry('a', 1), entry('b', 2)])
  const now = await fixture.side(view, [entry('a', 2), entry('b', 3)])
  const found = await compare(old, now, { columns: ['n'] })
  assert.deepEqual([found.verdict, found.expected, found.unexplained], ['not_comparable', 2, 0])
  assert.match(found.reason ?? '', /None of 2 rows is the same/)
})

test('a column that was declared may change in every row: the others were compared', async () => {
  const wider = { key: ['k'], columns: columnsOf('k string', 'n bigint', 'm bigint') }
  const row = (k: string, n: number, m: number): ChangelogEntry => ({
    key: [k],
    row: `{"k":"${k}","n":${n},"m":${m}}`,
    batch: 1,
  })
  const old = await fixture.side(wider, [row('a', 1, 7), row('b', 2, 8)])
  const now = await fixture.side(wider, [row('a', 2, 7), row('b', 3, 8)])
  const found = await compare(old, now, { columns: ['n'] })
  assert.deepEqual([found.verdict, found.equal, found.expected], ['equal', 0, 2])
  // With every column declared nothing was compared.
  const all = await compare(old, now, { columns: ['n', 'm'] })
  assert.equal(all.verdict, 'not_comparable')
})

test('samples are bounded by their number and their bytes', async () => {
  const many = (n: number) => Array.from({ length: 50 }, (_, i) => entry(`k${10 + i}`, n))
  const [old, now] = [await fixture.side(view, many(1)), await fixture.side(view, many(2))]
  const few = await compare(old, now, {}, { samplesMax: 3 })
  assert.deepEqual(
    few.samples.map(({ key }) => key),
    ['["k10"]', '["k11"]', '["k12"]'],
  )
  const { samples, changed } = await compare(old, now, {}, { sampleBytesMax: 250 })
  assert.deepEqual([samples.length, changed], [2, 50])
})

test('conditions that are no plain expression of the key are refused, with the reason', async () => {
  const side = await fixture.side(view, [entry('a', 1)])
  const refused = async (expected: ExpectedViewDifferences, message: RegExp) => {
    await assert.rejects(compare(side, side, expected), (error: unknown) => {
      assert.ok(error instanceof ExpectedDifferencesError, String(error))
      assert.match(error.message, message)
      return true
    })
  }
  await refused({ where: 'n > 1' }, /where names n; the key columns are k/)
  await refused({ where: '`n` > 1' }, /where names `n`/)
  await refused({ where: 'k IN (SELECT k FROM t)' }, /names? select|may not call/)
  await refused({ where: `reflect('java.lang.System', 'exit', '0')` }, /may not call reflect/)
  await refused({ where: '`reflect`(k)' }, /may not call `reflect`/)
  await refused({ where: `k = r'\\' OR reflect('` }, /may not hold \\/)
  await refused({ where: `k '' OR upper(k) = ''` }, /text right after k/)
  await refused({ where: 'k = 1 -- \r OR reflect(k)' }, /may not hold --/)
  await refused({ where: `k = 'a') OR (k = 'b'` }, /refused by Spark: .*PARSE_SYNTAX_ERROR/s)
  await refused({ where: `k = 'a' AND` }, /refused by Spark/)
  await refused({ where: 'upper(k)' }, /must be true or false/)
  await refused({ where: 'year(k, 2) = 1' }, /refused by Spark: .*WRONG_NUM_ARGS/s)
  await refused({ columns: ['m'] }, /columns names m; the columns are k, n/)
  await refused({ columns: ['k'] }, /names the key column k/)
  await refused({ tolerance: { n: 0.1 } }, /tolerance names n; .*its type is bigint/)
})

test('a condition that cannot be computed for a key does not hold for it', async () => {
  const old = await fixture.side(view, [entry('1', 1), entry('x', 1), entry('same', 1)])
  const now = await fixture.side(view, [entry('1', 2), entry('x', 2), entry('same', 1)])
  const { expected, unexplained } = await compare(old, now, { where: 'k = 1' })
  assert.deepEqual([expected, unexplained], [1, 1])
})

test('a record that no release writes fails the comparison, naming it', async () => {
  const side = await fixture.side(view, [entry('a', 1)])
  const { topic } = side.view.changelog
  const producer = fixture.kafka.producer()
  await producer.send(topic, [{ key: Buffer.from('["b"]'), value: Buffer.from('{"k":"b","n":1}') }])
  await producer.close()
  const changelogEnds = await fixture.endsOf(topic)
  await assert.rejects(compare(side, { ...side, changelogEnds }), (error: unknown) => {
    assert.ok(error instanceof SparkError)
    assert.match(error.rootCause.message, /Record 1 of .* partition 0 .*kappa-batch/)
    return true
  })
  const broken = await fixture.side(view, [{ key: ['a'], row: '{"k":"a","n":"one"}' }])
  await assert.rejects(compare(side, broken), SparkError)
})

test('nothing of a comparison stays in the session', async () => {
  const side = await fixture.side(view, [entry('a', 1)])
  await compare(side, side)
  const views = await fixture.session.sql('SHOW VIEWS').collect()
  assert.deepEqual(views, [])
})

test('views on one side are different unless declared, and prove nothing', async () => {
  const [old, now] = [
    await fixture.side(view, [entry('a', 1)]),
    await fixture.side(view, [entry('a', 1)]),
  ]
  const { session, kafkaOptions: kafka } = fixture
  const verdicts = async (
    releases: Parameters<typeof compareViews>[1],
    expected: Parameters<typeof compareViews>[2],
  ) => {
    const found = await compareViews({ session, kafka, bounds }, releases, expected)
    return [found.verdict, ...found.views.map(({ view: name, verdict }) => `${name} ${verdict}`)]
  }
  const releases = { old: { same: old, before: old }, new: { same: now, later: now } }
  const views = ['before removed', 'later added', 'same equal']
  const declared = { added_views: ['later'], removed_views: ['before'] }
  assert.deepEqual(await verdicts(releases, {}), ['different', ...views])
  assert.deepEqual(await verdicts(releases, { added_views: ['later'] }), ['different', ...views])
  assert.deepEqual(await verdicts(releases, declared), ['equal', ...views])
  const apart = { old: { before: old }, new: { later: now } }
  assert.deepEqual(await verdicts(apart, declared), ['not_comparable', ...views.slice(0, 2)])
})
