import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sortableParts } from '@kappa/view-store/view-store'
import fc from 'fast-check'
import { canonicalValue } from '../encoding/canonical-value.ts'
import { compareBytes } from '../encoding/compare-bytes.ts'
import { afterAll, sortable, sortableKey } from '../encoding/sortable.ts'

const text = fc.string({ unit: 'binary' })

function ofNumber(type: string, value: string): string {
  const canonical = canonicalValue({ name: 'c', type, nullable: true }, value)
  assert.ok('value' in canonical, `${type} ${value}`)
  return sortable(type, canonical.value)
}

test('texts are compared as their bytes in UTF-8 are', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(Math.sign(compareBytes(a, b)), Buffer.from(a).compare(Buffer.from(b)))
    }),
  )
})

test('sortable texts are in the order of their values, whatever the type', () => {
  const decimal = fc
    .tuple(fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }))
    .map(([value]) => ({ value, text: `${value < 0n ? '-' : ''}${plain(value)}` }))
  fc.assert(
    fc.property(text, text, (a, b) => {
      const order = Buffer.from(a).compare(Buffer.from(b))
      assert.equal(Math.sign(compareBytes(sortable('string', a), sortable('string', b))), order)
    }),
  )
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      const [one, other] = [a, b].map(({ text: written }) => ofNumber('decimal(20,3)', written))
      assert.equal(Math.sign(compareBytes(one ?? '', other ?? '')), sign(a.value - b.value))
    }),
  )
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  fc.assert(
    fc.property(int64, int64, (a, b) => {
      const [one, other] = [a, b].map((value) => ofNumber('bigint', String(value)))
      assert.equal(Math.sign(compareBytes(one ?? '', other ?? '')), sign(a - b))
    }),
  )
  const double = fc.double({ noNaN: true })
  fc.assert(
    fc.property(double, double, (a, b) => {
      const [one, other] = [a, b].map((value) => ofNumber('double', String(value)))
      assert.equal(Math.sign(compareBytes(one ?? '', other ?? '')), Math.sign(a - b || 0))
    }),
  )
  const greatest = ofNumber('double', 'NaN')
  assert.ok(compareBytes(greatest, ofNumber('double', 'Infinity')) > 0)
  assert.ok(compareBytes(sortable('int', null), ofNumber('int', '-2147483648')) < 0)
})

test('a key comes apart into its values, and sorts by the first that differs', () => {
  const columns = [{ type: 'string' }, { type: 'int' }, { type: 'string' }]
  const key = fc.tuple(
    fc.option(text),
    fc.integer({ min: -100, max: 100 }).map(String),
    fc.option(text),
  )
  fc.assert(
    fc.property(key, key, (a, b) => {
      const [one, other] = [sortableKey(columns, a), sortableKey(columns, b)]
      const parts = columns.map(({ type }, index) => sortable(type, a[index] ?? null))
      assert.deepEqual(sortableParts(one), parts)
      const orders = columns.map(({ type }, index) =>
        compareBytes(sortable(type, a[index] ?? null), sortable(type, b[index] ?? null)),
      )
      const expected = orders.find((order) => order !== 0) ?? 0
      assert.equal(Math.sign(compareBytes(one, other)), Math.sign(expected))
    }),
  )
})

test('after all that begins with a value come the greater ones', () => {
  fc.assert(
    fc.property(text, text, text, (a, b, more) => {
      const [one, other] = [sortable('string', a), sortable('string', b) + more]
      const isGreater = Buffer.from(b).compare(Buffer.from(a)) > 0
      assert.equal(compareBytes(other, afterAll(one)) >= 0, isGreater)
    }),
  )
})

function sign(value: bigint): number {
  return value === 0n ? 0 : value < 0n ? -1 : 1
}

function plain(value: bigint): string {
  const digits = String(value < 0n ? -value : value).padStart(4, '0')
  return `${digits.slice(0, -3)}.${digits.slice(-3)}`
}
