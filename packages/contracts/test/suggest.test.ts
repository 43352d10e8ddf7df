import assert from 'node:assert/strict'
import { test } from 'node:test'
import { suggest } from '../src/suggest.ts'

test('a name that is written another way, or nearly right, finds what was meant', () => {
  const names = ['event_id', 'tail_number', 'delay_minutes']
  assert.equal(suggest('tailNumber', names), 'tail_number')
  assert.equal(suggest('delay_mintues', names), 'delay_minutes')
  assert.equal(suggest('altitude', names), undefined)
})

test('hints by the thousand are not looked for: they would cost minutes', () => {
  const names = Array.from(
    { length: 200 },
    (_, n) => `${'some_long_name_of_a_field_'.repeat(2)}${n}`,
  )
  const asked = 10_000
  const hints = Array.from({ length: asked }, (_, n) => suggest(`${names[n % 200]}x`, names))
  // All of them would be 10,000 * 200 * 50 * 50 pairs of characters.
  const found = hints.filter((hint) => hint !== undefined).length
  assert.ok(found >= 1 && found < asked / 20, `${found} of ${asked}`)
})
