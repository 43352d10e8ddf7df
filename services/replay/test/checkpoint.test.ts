import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOffsets } from '../views/checkpoint.ts'
import { Currency } from '../views/currency.ts'

test("offsets are read from Spark's offset log, the lower one where two sources read a topic", () => {
  const log = [
    'v1',
    '{"batchWatermarkMs":0}',
    '{"a":{"0":5,"1":9}}',
    '{"a":{"0":7,"1":3},"b":{"0":1}}',
    '-',
  ].join('\n')
  assert.deepEqual(parseOffsets(log), { a: { '0': '5', '1': '3' }, b: { '0': '1' } })
  assert.throws(() => parseOffsets('v9\n{}'), /version v9/)
})

test('P6: rows are current as of the newest look at the log that their position covers', () => {
  const currency = new Currency(100)
  currency.addSample(1_000, { a: { '0': '5' } })
  currency.addSample(2_000, { a: { '0': '8' } })
  assert.equal(currency.currentAt({}), 100)
  assert.equal(currency.currentAt({ a: { '0': '4' } }), 100)
  assert.equal(currency.currentAt({ a: { '0': '5' } }), 1_000)
  assert.equal(currency.currentAt({ a: { '0': '9' } }), 2_000)
  assert.equal(currency.currentAt({ a: { '0': '5' } }), 2_000, 'never goes back')
})
