import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDuration } from '@kappa/contracts/duration'
import fc from 'fast-check'

test('durations are read as people write them', () => {
  assert.equal(parseDuration('500 milliseconds'), 500)
  assert.equal(parseDuration('90 seconds'), 90_000)
  assert.equal(parseDuration('5 minutes'), 300_000)
  assert.equal(parseDuration('1 hour'), 3_600_000)
  assert.equal(parseDuration(' 2 Days '), 172_800_000)
  assert.equal(parseDuration('0 seconds'), 0)
})

test('a text that is no duration is refused with the text and the forms', () => {
  for (const text of ['', '5', '5m', 'five minutes', '-1 hour', '1.5 hours', '5 minutes ago']) {
    assert.throws(() => parseDuration(text), {
      code: 'bad_duration',
      message: new RegExp(`"90 seconds".*got ${JSON.stringify(text).replace(/[.]/g, '\\.')}$`),
    })
  }
  assert.throws(() => parseDuration('5 minuts'), { message: /did you mean "minutes"\?/ })
  assert.throws(() => parseDuration('3 weeks'), { message: /unknown unit "weeks"/ })
  assert.throws(() => parseDuration('999999999999999 days'), { message: /too long/ })
})

test('formatting and parsing are inverse', () => {
  assert.equal(formatDuration(300_000), '5 minutes')
  assert.equal(formatDuration(3_600_000), '1 hour')
  assert.equal(formatDuration(1_500), '1500 milliseconds')
  fc.assert(fc.property(fc.nat({ max: 2 ** 40 }), (ms) => parseDuration(formatDuration(ms)) === ms))
})
