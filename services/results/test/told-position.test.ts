import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasReached, positionToken, sourcesOf } from '../control/told-position.ts'

test('P4: a position has reached another one if it has in every partition', () => {
  const told = { a: { '0': '9', '1': '10' }, b: { '0': '9007199254740993' } }
  assert.deepEqual(sourcesOf(positionToken(told)), told)
  assert.equal(sourcesOf('abc'), undefined)
  const cases = [
    [told, true],
    [{ ...told, a: { '0': '10', '1': '10' } }, true],
    [{ ...told, a: { '0': '9', '1': '9' } }, false],
    [{ ...told, a: { '0': '9' } }, false],
    [{ ...told, b: { '0': '9007199254740992' } }, false],
    [{ a: told.a }, true],
    [{ a: told.a, c: { '0': '0' } }, true],
  ] as const
  for (const [sources, expected] of cases) {
    assert.equal(hasReached(sources, told), expected, JSON.stringify(sources))
  }
})
