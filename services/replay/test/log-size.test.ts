import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordsBetween, recordsByTopic } from '../log/log-size.ts'

test('records between two places are counted with 64 bits, a new partition from its begin', () => {
  const from = { 0: '9223372036854775000', 1: '7' }
  const to = { 0: '9223372036854775807', 1: '7', 2: '3' }
  assert.equal(recordsBetween(from, to), 810)
  assert.equal(recordsBetween({ 0: '5' }, { 0: '4' }), 0)
  assert.deepEqual(recordsByTopic({ a: from }, { a: to, b: { 0: '2' } }), { a: 810, b: 2 })
})
