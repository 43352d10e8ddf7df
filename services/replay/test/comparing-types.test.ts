import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ViewColumn } from '@kappa/applications/view-plan'
import { planChangelogRecord } from '@kappa/applications/view-plan'
import { compareView } from '../comparing/compare-view.ts'
import type { ComparedSide } from '../comparing/compared-side.ts'
import { bounds, ComparingFixture } from './comparing-fixture.ts'

interface TypedValue {
  readonly value: string
  /** Differs. */
  readonly other: string
  /** Is written in other bytes, and does not differ. */
  readonly near?: string
}

const typed: Readonly<Record<string, TypedValue>> = {
  tiny: { value: '1Y', other: '-1Y' },
  small: { value: '1S', other: '2S' },
  whole: { value: '1', other: '2' },
  big: { value: '9007199254740992L', other: '9007199254740993L' },
  single: { value: `CAST('NaN' AS FLOAT)`, other: `CAST('Infinity' AS FLOAT)` },
  twice: { value: '1D', other: '1.00000001D', near: '1.0000000001D' },
  exact: {
    value: 'CAST(99999999999999999999.000000000000000001 AS DECIMAL(38, 18))',
    other: 'CAST(99999999999999999999.000000000000000002 AS DECIMAL(38, 18))',
  },
  text: { value: `'a"\\\\ü🙂\\n'`, other: `'a"\\\\ü🙂'` },
  bytes: { value: `X'00FF'`, other: `X'00FE'` },
  yes: { value: 'true', other: 'false' },
  day: { value: `DATE '0001-01-01'`, other: `DATE '9999-12-31'` },
  at: {
    value: `TIMESTAMP '2013-01-01 00:00:00.000001Z'`,
    other: `TIMESTAMP '2013-01-01 00:00:00.000002Z'`,
  },
  local: {
    value: `TIMESTAMP_NTZ '2013-01-01 00:00:00.001'`,
    other: `TIMESTAMP_NTZ '2013-01-01 00:00:00.002'`,
  },
  months: { value: `INTERVAL '1-2' YEAR TO MONTH`, other: `INTERVAL '1-3' YEAR TO MONTH` },
  seconds: { value: `INTERVAL '1' SECOND`, other: `INTERVAL '2' SECOND` },
  mixed: { value: 'make_interval(1, 2)', other: 'make_interval(1, 3)' },
  variant: { value: `parse_json('{"a": [1, 2]}')`, other: `parse_json('{"a": [1, 3]}')` },
  caseless: { value: `'a' COLLATE UNICODE_CI`, other: `'A' COLLATE UNICODE_CI` },
  numbers: {
    value: 'array(1D, CAST(NULL AS DOUBLE), 3D)',
    other: 'array(1D, 0D, 3D)',
    near: 'array(1.0000000001D, CAST(NULL AS DOUBLE), 3D)',
  },
  longer: { value: 'array(1D)', other: 'array(1D, CAST(NULL AS DOUBLE))' },
  words: { value: `array('a', 'b')`, other: `array('b', 'a')` },
  nested: {
    value: `named_struct('a b', 1D, 'c', named_struct('d', array(named_struct('e', 2D))))`,
    other: `named_struct('a b', 1D, 'c', named_struct('d', array(named_struct('e', 3D))))`,
    near: `named_struct('a b', 1D, 'c', named_struct('d', array(named_struct('e', 2.0000000001D))))`,
  },
  plain: { value: `named_struct('a', 1, 'b', 'x')`, other: `named_struct('a', 1, 'b', 'y')` },
  counts: {
    value: `map('a', 1, 'b', 2)`,
    other: `map('a', 1, 'b', 3)`,
    near: `map('b', 2, 'a', 1)`,
  },
  keyed: { value: `map('a', 1)`, other: `map('a', 1, 'b', CAST(NULL AS INT))` },
  byNumber: {
    value: 'map(1, array(1D), 2, array(2D))',
    other: 'map(1, array(1D), 3, array(2D))',
    near: 'map(2, array(2.0000000001D), 1, array(1D))',
  },
}
const names = Object.keys(typed)

let fixture: ComparingFixture

before(async () => {
  fixture = await ComparingFixture.start('comparing-types')
})
after(async () => {
  await fixture?.stop()
})

/** A row for each key, written to a changelog as a view's query writes it. */
async function sideOf(
  rows: Readonly<Record<string, (name: string) => string>>,
  order: readonly string[],
): Promise<ComparedSide> {
  const selects = Object.entries(rows).map(([key, expression]) => {
    const columns = order.map((name) => `${expression(name)} AS ${name}`)
    return `SELECT '${key}' AS k, NULL AS nothing, ${columns.join(', ')}`
  })
  const rowsOf = fixture.session.sql(selects.join(' UNION ALL '))
  const columns: ViewColumn[] = (await rowsOf.schema()).map(({ name, type, nullable }) => ({
    name,
    type,
    nullable,
  }))
  const topic = await fixture.createTopic(1)
  const view = { sql: '', file: '', key: ['k'] }
  await rowsOf.select(...planChangelogRecord(view, columns)).write({
    format: 'kafka',
    mode: 'append',
    options: { ...fixture.kafkaOptions, topic },
  })
  return {
    view: {
      sql: 'SELECT 1',
      key: ['k'],
      columns,
      outputMode: 'update',
      changelog: { topic, partitions: 1 },
    },
    changelogEnds: await fixture.endsOf(topic),
  }
}

test('values of every type that a view can give are told apart, and only those that differ', async () => {
  const value = (name: string) => typed[name]?.value ?? ''
  const other = (name: string) => typed[name]?.other ?? ''
  const none = (name: string) => `if(1 = 2, ${value(name)}, NULL)`
  const rowsOf = (
    near: typeof value,
    lost: typeof value,
    oneOther: (column: string) => typeof value,
  ) => ({
    same: value,
    near,
    none,
    lost,
    ...Object.fromEntries(names.map((column) => [column, oneOther(column)])),
  })
  const old = await sideOf(
    rowsOf(value, value, () => value),
    names,
  )
  const now = await sideOf(
    rowsOf(
      (name) => typed[name]?.near ?? value(name),
      none,
      (column) => (name) => (name === column ? other(name) : value(name)),
    ),
    // In another order every row has other bytes, so that every value is parsed.
    names.toReversed(),
  )
  const { session, kafkaOptions: kafka } = fixture
  const parts = { session, kafka, bounds: { ...bounds, samplesMax: 100 } }
  const found = await compareView(parts, { old, new: now })
  assert.deepEqual(found.schema_changes, [])
  const differing = found.samples.map(({ key, columns }) => [JSON.parse(key)[0], columns])
  const wanted = [...names.map((name) => [name, [name]]), ['lost', names]]
  assert.deepEqual(differing.sort(), wanted.sort())
  assert.deepEqual([found.equal, found.changed], [3, names.length + 1])
})
