import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verdictOf } from '../comparing/verdict.ts'

const none = {
  equal: 0,
  changed: 0,
  only_old: 0,
  only_new: 0,
  unsettled: 0,
  expected: 0,
  unexplained: 0,
}
const added = [{ column: 'c', old_type: null, new_type: 'int' }]

test('a certain difference outweighs what keeps rows from being judged', () => {
  const different = { ...none, equal: 1, changed: 1, unexplained: 1, unsettled: 9 }
  assert.equal(verdictOf(different, [], 0).verdict, 'different')
  assert.equal(verdictOf({ ...none, equal: 5, unsettled: 9 }, added, 0).verdict, 'different')
})

test('equal needs equal rows, or none at all, and no more unsettled rows than are allowed', () => {
  const verdict = (counts: Partial<typeof none>, unsettledRowsMax = 0) =>
    verdictOf({ ...none, ...counts }, [], unsettledRowsMax).verdict
  assert.equal(verdict({}), 'equal')
  assert.equal(verdict({ equal: 1 }), 'equal')
  assert.equal(verdict({ equal: 1, changed: 1, expected: 1 }), 'equal')
  assert.equal(verdict({ equal: 1, unsettled: 1 }), 'not_comparable')
  assert.equal(verdict({ equal: 1, unsettled: 1 }, 1), 'equal')
  assert.equal(verdict({ unsettled: 1 }, 1), 'not_comparable')
  assert.equal(verdict({ only_new: 3, expected: 3 }), 'not_comparable')
  const changed = { ...none, changed: 3, expected: 3 }
  assert.equal(verdictOf(changed, [], 0).verdict, 'not_comparable')
  assert.equal(verdictOf(changed, [], 0, 3).verdict, 'equal', 'the other columns were compared')
})
