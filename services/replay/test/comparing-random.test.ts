import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ExpectedViewDifferences } from '@kappa/applications/replay-record'
import fc from 'fast-check'
import { compareView } from '../comparing/compare-view.ts'
import { bounds, ComparingFixture, columnsOf } from './comparing-fixture.ts'
import {
  compareInMemory,
  entryOf,
  inTurns,
  type OracleEntry,
  type TextRow,
} from './comparing-oracle.ts'

type Key = readonly [string | null, string | null]

const RUNS = 12
const SAMPLES_MAX = 8

let fixture: ComparingFixture

before(async () => {
  fixture = await ComparingFixture.start('comparing-random')
})
after(async () => {
  await fixture?.stop()
})

const columns = columnsOf(
  'k string',
  'n bigint',
  'total double',
  'ratio float',
  'amount decimal(38,10)',
  'big bigint',
  'note string',
  'at timestamp',
  'ok boolean',
)
const floating = new Set(['total', 'ratio'])

const keys: readonly Key[] = [
  ['', '0'],
  ['a', '1'],
  ['a', '10'],
  ['a', '9'],
  ['a', '-9223372036854775808'],
  ['ü', '9007199254740993'],
  ['日本', null],
  ['"],["\\', '2'],
  ['🙂', '2'],
  ['ￗ', '2'],
  [null, null],
  [null, '3'],
]

/** Nulls first, text by its bytes in UTF-8, numbers as numbers. */
function compareKeys(a: readonly (string | null)[], b: readonly (string | null)[]): number {
  const [textA, numberA] = a as Key
  const [textB, numberB] = b as Key
  const byText = nullsFirst(textA, textB, (x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
  return byText || nullsFirst(numberA, numberB, (x, y) => (BigInt(x) < BigInt(y) ? -1 : 1))
}

function nullsFirst(
  a: string | null,
  b: string | null,
  order: (a: string, b: string) => number,
): number {
  if (a === b) return 0
  if (a === null) return -1
  return b === null ? 1 : order(a, b)
}

/** Values of a column that are near each other, equal in other digits, or hard to tell apart. */
const choices: Readonly<Record<string, readonly string[]>> = {
  total: [
    '1.5',
    '1.5000000001',
    '1.50000001',
    '0.0',
    '-0.0',
    '1.0E-300',
    '"NaN"',
    '"Infinity"',
    'null',
  ],
  ratio: ['0.1', '0.10000001', '"-Infinity"', '"NaN"', '3.4028235E38', 'null'],
  amount: [
    '9999999999999999999999999999.0000000001',
    '9999999999999999999999999999.0000000002',
    'null',
  ],
  big: ['9007199254740992', '9007199254740993', '-9223372036854775808'],
  note: ['"a"', '"A"', '"a "', '"ü"', '"u\u0308"', '"null"', 'null'],
  at: ['"2013-01-01T00:00:00.000000Z"', '"2013-01-01T00:00:00.000001Z"', 'null'],
  ok: ['true', 'false', 'null'],
}

/** Most rows differ from the plainest one in a column or two, so that many are equal. */
const values = fc
  .uniqueArray(fc.constantFrom(...Object.keys(choices)), { maxLength: 2 })
  .chain((changed) =>
    fc.record(
      Object.fromEntries(
        Object.entries(choices).map(([name, texts]) => [
          name,
          changed.includes(name) ? fc.constantFrom(...texts) : fc.constant(texts[0] ?? ''),
        ]),
      ),
    ),
  )

const record = fc
  .tuple(
    fc.constantFrom(...keys),
    fc.integer({ min: 1, max: 6 }),
    fc.option(values, { freq: 5 }),
    fc.boolean(),
  )
  .map(([key, batch, row, reversed]): OracleEntry => {
    if (row === null) return { key, batch, row: null }
    const whole: TextRow = { k: JSON.stringify(key[0]), n: key[1] ?? 'null', ...row }
    const fields = Object.entries(whole)
    return { key, batch, row: Object.fromEntries(reversed ? fields.reverse() : fields) }
  })

const conditions: readonly (readonly [string, (key: Key) => boolean])[] = [
  [`k = 'a' AND n >= 9`, ([k, n]) => k === 'a' && n !== null && BigInt(n) >= 9n],
  ['k IS NULL OR length(K) > 3', ([k]) => k === null || k.length > 3],
  [
    `NOT (n = 2) OR \`k\` LIKE '%ü%'`,
    ([k, n]) => (n !== null && n !== '2') || (k ?? '').includes('ü'),
  ],
]

const declared = fc.record({
  condition: fc.option(fc.constantFrom(...conditions)),
  columns: fc.subarray(Object.keys(choices)),
  tolerance: fc.constantFrom({}, { total: 0 }, { ratio: 1e-6, total: 1e-7 }),
})

const log = fc.array(record, { minLength: 10, maxLength: 60 })

test('what Spark finds is what folding and comparing the records one by one finds', async () => {
  const run = fc.asyncProperty(
    fc.record({ old: log, new: log, oldPartitions: fc.integer({ min: 1, max: 3 }), declared }),
    async (given) => {
      const { condition } = given.declared
      const expected: ExpectedViewDifferences = {
        columns: given.declared.columns,
        tolerance: given.declared.tolerance,
        ...(condition === null ? {} : { where: condition[0] }),
      }
      const view = { key: ['k', 'n'], columns }
      const sides = {
        old: await fixture.side(view, given.old.map(entryOf), given.oldPartitions),
        new: await fixture.side(view, given.new.map(entryOf), 2),
      }
      const { session, kafkaOptions: kafka } = fixture
      const parts = { session, kafka, bounds: { ...bounds, samplesMax: SAMPLES_MAX } }
      const found = await compareView(parts, sides, expected)

      const covered = (key: readonly (string | null)[]) => condition?.[1](key as Key) ?? false
      const oracle = compareInMemory({ floating, compareKeys }, given, expected, covered)
      const { differences } = oracle
      const count = (wanted: (one: (typeof differences)[number]) => boolean) =>
        differences.filter(wanted).length
      const byColumn = Object.keys(choices).map(
        (name) => [name, count((one) => one.columns.includes(name))] as const,
      )
      assert.deepEqual(
        {
          ...found,
          verdict: undefined,
          reason: undefined,
          samples: found.samples.map(({ kind, key, columns, expected }) => ({
            kind,
            key,
            columns: [...columns].sort(),
            expected,
          })),
        },
        {
          verdict: undefined,
          reason: undefined,
          equal: oracle.equal,
          changed: count(({ kind }) => kind === 'changed'),
          only_old: count(({ kind }) => kind === 'only_old'),
          only_new: count(({ kind }) => kind === 'only_new'),
          unsettled: 0,
          expected: count((one) => one.expected),
          unexplained: count((one) => !one.expected),
          changed_by_column: Object.fromEntries(byColumn.filter(([, changed]) => changed > 0)),
          schema_changes: [],
          samples: inTurns(differences, SAMPLES_MAX).map((one) => ({
            ...one,
            columns: [...one.columns].sort(),
          })),
        },
      )
    },
  )
  await fc.assert(run, { numRuns: RUNS, endOnFailure: true })
})
