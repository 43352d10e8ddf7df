import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalValue } from '../encoding/canonical-value.ts'
import { encodeKey } from '../encoding/key.ts'
import { canonicalTimestamp } from '../encoding/timestamp.ts'

function canonical(type: string, text: string): string | undefined {
  const result = canonicalValue({ name: 'c', type, nullable: true }, text)
  return 'value' in result ? result.value : undefined
}

test('keys have the bytes that Jackson writes', () => {
  // Left: text; right: what Jackson's writer makes of it (short escapes, else upper-case hex).
  const written = [
    ['UA', '["UA"]'],
    ['\u001f\u000b', '["\\u001F\\u000B"]'],
    ['\b\t\n\f\r', '["\\b\\t\\n\\f\\r"]'],
    ['"\\', '["\\"\\\\"]'],
    ['\\u001f', '["\\\\u001f"]'],
    ['\\\u001f', '["\\\\\\u001F"]'],
    ['é/\u2028\u007f', '["é/\u2028\u007f"]'],
  ] as const
  for (const [text, json] of written) assert.equal(encodeKey([text]), json)
  assert.equal(encodeKey([null, '1']), '[null,"1"]')
})

test('values come into the canonical text of their type, or not at all', () => {
  const cases = [
    ['string', ' as it is ', ' as it is '],
    ['int', '+007', '7'],
    ['int', '-0', '0'],
    ['int', '2147483648', undefined],
    ['int', '1.0', undefined],
    ['bigint', '9223372036854775807', '9223372036854775807'],
    ['bigint', '9223372036854775808', undefined],
    ['decimal(10,2)', '1.5', '1.50'],
    ['decimal(10,2)', '-0.000', '0.00'],
    ['decimal(10,2)', '0012', '12.00'],
    ['decimal(10,2)', '1.005', undefined],
    ['decimal(4,2)', '100', undefined],
    [
      'decimal(38,0)',
      '12345678901234567890123456789012345678',
      '12345678901234567890123456789012345678',
    ],
    ['boolean', 'TRUE', 'true'],
    ['boolean', '1', undefined],
    ['date', '2012-02-29', '2012-02-29'],
    ['date', '2013-02-29', undefined],
    ['date', '2013-1-1', undefined],
    ['timestamp', '2013-01-01', '2013-01-01T00:00:00.000000Z'],
    ['timestamp', '2013-01-01T05:00', '2013-01-01T05:00:00.000000Z'],
    ['timestamp', '2013-01-01T00:30:00.1234560+01:00', '2012-12-31T23:30:00.123456Z'],
    ['timestamp', '2013-01-01T00:00:00.1234567Z', undefined],
    ['timestamp', '2013-01-01T24:00:00Z', undefined],
    ['timestamp', '0001-01-01T00:00:00+01:00', undefined],
    ['timestamp', 'today', undefined],
    ['decimal(10,2)', '1.5E+3', '1500.00'],
    ['decimal(10,7)', '1E-7', '0.0000001'],
    ['double', '1.50', '1.5'],
    ['double', '-0', '0'],
    ['double', 'NaN', 'NaN'],
    ['double', '1.5.0', undefined],
    ['double', '0x10', undefined],
    ['array<int>', '1', undefined],
  ] as const
  for (const [type, text, expected] of cases) {
    assert.equal(canonical(type, text), expected, `${type} ${text}`)
  }
})

test('the order of canonical timestamps is the order of the times', () => {
  const time = fc.date({
    min: new Date('0001-01-02T00:00:00Z'),
    max: new Date('9999-12-30T00:00:00Z'),
    noInvalidDate: true,
  })
  fc.assert(
    fc.property(time, time, (a, b) => {
      const [first, second] = [a, b].map((date) => canonicalTimestamp(date.toISOString()) ?? '')
      assert.equal(first === second, a.getTime() === b.getTime())
      assert.equal((first ?? '') < (second ?? ''), a.getTime() < b.getTime())
    }),
  )
})
