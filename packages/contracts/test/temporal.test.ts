import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDate, parseTime, parseTimestamp } from '@kappa/contracts/temporal'
import { formatDate, formatTime, formatTimestamp } from '@kappa/contracts/temporal-format'
import fc from 'fast-check'

function parsed(text: string, zoned = true) {
  const out = { epochMs: Number.NaN, micros: Number.NaN }
  const wrong = parseTimestamp(text, zoned, out)
  return wrong ?? out
}

test('timestamps agree with Date, for every zone and any time of the years 1 to 9999', () => {
  const min = new Date('0001-01-02T00:00:00Z')
  const max = new Date('9999-12-30T00:00:00Z')
  const dates = fc.date({ min, max, noInvalidDate: true })
  fc.assert(
    fc.property(dates, fc.integer({ min: -840, max: 840 }), (date, offset) => {
      const sign = offset < 0 ? '-' : '+'
      const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60]
      const zone = `${sign}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`
      const local = new Date(date.getTime() + offset * 60_000).toISOString().replace('Z', zone)
      assert.deepEqual(parsed(local), { epochMs: date.getTime(), micros: 0 })
      assert.deepEqual(parsed(date.toISOString()), { epochMs: date.getTime(), micros: 0 })
    }),
  )
})

test('the forms of a timestamp', () => {
  const epochMs = Date.UTC(2013, 0, 1, 10, 17)
  for (const text of [
    '2013-01-01T10:17:00Z',
    '2013-01-01t10:17:00z',
    '2013-01-01 10:17:00Z',
    '2013-01-01T10:17Z',
    '2013-01-01T05:17:00-05:00',
    '2013-01-01T05:17:00-0500',
    '2013-01-01T05:17:00-05',
    '2013-01-01T15:47:00.000000+05:30',
  ]) {
    assert.deepEqual(parsed(text), { epochMs, micros: 0 }, text)
  }
  assert.deepEqual(parsed('2012-02-29T00:00:00Z'), { epochMs: Date.UTC(2012, 1, 29), micros: 0 })
  assert.deepEqual(parsed('1969-12-31T23:59:59.999999Z'), { epochMs: -1, micros: 999 })
  assert.deepEqual(parsed('2013-01-01T10:17:00.5Z'), { epochMs: epochMs + 500, micros: 0 })
  assert.deepEqual(parsed('2013-01-01T10:17:00.1234567Z'), { epochMs: epochMs + 123, micros: 456 })
  assert.deepEqual(parsed('0001-01-01T00:00:00Z'), { epochMs: -62135596800000, micros: 0 })
  assert.deepEqual(parsed('9999-12-31T23:59:59.999Z'), { epochMs: 253402300799999, micros: 0 })
})

test('what is not a timestamp says why', () => {
  const cases: [string, RegExp][] = [
    ['2013-01-01T10:17:00', /zone is missing/],
    ['2013-01-01', /expected T/],
    ['2013-02-29T00:00:00Z', /2013-02 has no day 29/],
    ['1900-02-29T00:00:00Z', /no day 29/],
    ['2013-04-31T00:00:00Z', /no day 31/],
    ['2013-13-01T00:00:00Z', /no month 13/],
    ['2013-01-00T00:00:00Z', /no day 00/],
    ['0000-01-01T00:00:00Z', /0001 to 9999/],
    ['0001-01-01T00:00:00+01:00', /in UTC/],
    ['9999-12-31T23:59:59-01:00', /in UTC/],
    ['2013-01-01T24:00:00Z', /hour/],
    ['2013-01-01T23:60:00Z', /minute/],
    ['2016-12-31T23:59:60Z', /leap second/],
    ['2013-01-01T10:17:00.Z', /1 to 9 digits/],
    ['2013-01-01T10:17:00.0123456789Z', /1 to 9 digits/],
    ['2013-01-01T10:17:00+5', /zone/],
    ['2013-01-01T10:17:00+24:00', /no offset/],
    ['2013-01-01T10:17:00Zx', /zone/],
    ['20130101T101700Z', /YYYY-MM-DD/],
    ['+012013-01-01T10:17:00Z', /YYYY-MM-DD/],
    ['yesterday', /YYYY-MM-DD/],
    ['', /YYYY-MM-DD/],
  ]
  for (const [text, reason] of cases) {
    const wrong = parsed(text)
    assert.equal(typeof wrong, 'string', text)
    assert.match(String(wrong), reason, text)
  }
  assert.match(String(parsed('2013-01-01T10:17:00Z', false)), /no zone/)
})

test('microseconds, dates and times of day survive a round', () => {
  const micros = fc.bigInt({ min: -62135596800000000n, max: 253402300799999999n })
  fc.assert(
    fc.property(micros, (value) => {
      const result = parsed(`${formatTimestamp(value, 6)}Z`)
      assert.notEqual(typeof result, 'string')
      if (typeof result === 'string') return
      assert.equal(BigInt(result.epochMs) * 1000n + BigInt(result.micros), value)
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: -719162, max: 2932896 }), (days) => {
      assert.equal(parseDate(formatDate(days)), days)
    }),
  )
  fc.assert(
    fc.property(fc.nat({ max: 86_399_999_999 }), (value) => {
      const out = { epochMs: 0, micros: 0 }
      assert.equal(parseTime(formatTime(value, 6), out), undefined)
      assert.equal(out.epochMs * 1000 + out.micros, value)
    }),
  )
})
