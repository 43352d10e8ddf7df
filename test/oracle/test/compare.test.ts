import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertSameRows, compareRows, type Expected } from '../compare.ts'

const EXPECTED: Expected = {
  key: ['carrier', 'hour'],
  doubles: new Set(['avg']),
  rows: [
    { carrier: 'AA', hour: '05', count: 2, avg: 1 / 3, name: null },
    { carrier: 'UA', hour: '05', count: 1, avg: 4, name: 'United' },
  ],
}
const row = (index: number) => ({ ...EXPECTED.rows[index] })

const counts = (actual: Record<string, unknown>[]) => {
  const { equal, missing, extra, different } = compareRows(EXPECTED, actual)
  return { equal, missing, extra, different }
}

test('the same rows in any order are equal', () => {
  assert.deepEqual(counts([row(1), row(0)]), { equal: 2, missing: 0, extra: 0, different: 0 })
})

test('missing, extra, doubled and different rows are counted apart and shown', () => {
  const comparison = compareRows(EXPECTED, [
    { ...row(0), count: 3 },
    row(0),
    { ...row(0), carrier: 'DL' },
  ])
  assert.deepEqual(comparison, {
    equal: 0,
    missing: 1,
    extra: 2,
    different: 1,
    samples: {
      missing: ['["UA","05"]'],
      extra: ['["AA","05"]', '["DL","05"]'],
      different: [{ key: '["AA","05"]', column: 'count', expected: 2, actual: 3 }],
    },
  })
})

test('doubles are equal within a relative 1e-9, all else only exactly', () => {
  const different = { equal: 1, missing: 0, extra: 0, different: 1 }
  const equal = { ...different, equal: 2, different: 0 }

  assert.deepEqual(counts([{ ...row(0), avg: (1 / 3) * (1 + 9e-10) }, row(1)]), equal)
  assert.deepEqual(counts([{ ...row(0), avg: (1 / 3) * (1 + 2e-9) }, row(1)]), different)
  assert.deepEqual(counts([{ ...row(0), count: 2 + 1e-12 }, row(1)]), different)
  assert.deepEqual(counts([{ ...row(0), count: '2' }, row(1)]), different)
  assert.deepEqual(counts([{ ...row(0), avg: null }, row(1)]), different)
})

test('a null is not an absent column, and no column may be more', () => {
  const { name: _, ...absent } = row(0)
  assert.equal(counts([absent, row(1)]).different, 1)
  assert.equal(counts([{ ...row(0), more: 1 }, row(1)]).different, 1)
})

test('integers beyond 2^53 are equal to their texts', () => {
  const expected: Expected = {
    key: ['id'],
    doubles: new Set(),
    rows: [{ id: 1, sum: 9_007_199_254_740_993n }],
  }
  assert.equal(compareRows(expected, [{ id: 1, sum: '9007199254740993' }]).equal, 1)
  assert.equal(compareRows(expected, [{ id: 1, sum: '9007199254740992' }]).equal, 0)
})

test('asserting shows what differs, and nothing at all is not the same', () => {
  assert.throws(() => assertSameRows('hours', EXPECTED, [row(0)]), {
    message: /hours: 1 rows equal, 1 missing, 0 extra, 0 different; .*UA/,
  })
  assert.throws(() => assertSameRows('hours', { ...EXPECTED, rows: [] }, []), /0 rows equal/)
  assert.equal(assertSameRows('hours', EXPECTED, [row(0), row(1)]).equal, 2)
})
