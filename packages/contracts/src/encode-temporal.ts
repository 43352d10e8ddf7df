import type { EncodeContext, ValueEncoder } from './encode-context.ts'
import { showValue } from './event-problem.ts'
import {
  dayMs,
  epochMsMax,
  epochMsMin,
  type Instant,
  parseDate,
  parseTime,
  parseTimestamp,
} from './temporal.ts'

/** Encoding is synchronous: one instant is enough. */
const parsed: Instant = { epochMs: 0, micros: 0 }

const isTextOrNumber = (value: unknown) => typeof value === 'string' || typeof value === 'number'

function isWholeBetween(value: unknown, min: number, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
}

/** `timestamp-*` and `local-timestamp-*`: ISO 8601 text, or a number in the type's own unit. */
export function timestampEncoder(unit: 'millis' | 'micros', zoned: boolean): ValueEncoder {
  const perMs = unit === 'millis' ? 1 : 1000
  const min = epochMsMin * perMs
  const max = epochMsMax * perMs + (perMs - 1)
  const example = zoned ? '"2013-01-01T05:17:00.000Z"' : '"2013-01-01T05:17:00.000"'
  const form = `ISO 8601 text ${zoned ? 'with a zone' : 'without a zone'} such as ${example}, or a number of ${unit} since 1970`

  function encodeText(context: EncodeContext, text: string): void {
    const wrong = parseTimestamp(text, zoned, parsed)
    if (wrong !== undefined) {
      context.fail(
        'bad_timestamp',
        `${showValue(text)} is not a timestamp: ${wrong}; write ${form}`,
      )
      return
    }
    context.instantMs = parsed.epochMs
    const value = parsed.epochMs * perMs + (perMs === 1 ? 0 : parsed.micros)
    if (Number.isSafeInteger(value)) context.writer.long(value)
    else context.writer.bigLong(BigInt(parsed.epochMs) * 1000n + BigInt(parsed.micros))
  }

  return {
    whole: true,
    sameKind: isTextOrNumber,
    accepts: (value) =>
      typeof value === 'string'
        ? parseTimestamp(value, zoned, parsed) === undefined
        : isWholeBetween(value, min, max),
    encode(context, value) {
      if (typeof value === 'string') {
        encodeText(context, value)
      } else if (typeof value !== 'number') {
        context.fail('wrong_type', `expected ${form}, got ${showValue(value)}`)
      } else if (!Number.isInteger(value)) {
        context.fail('bad_timestamp', `${value} is not a whole number of ${unit} since 1970`)
      } else if (value < min || value > max) {
        context.fail('out_of_range', `${value} ${unit} since 1970 is not in the years 0001 to 9999`)
      } else if (!Number.isSafeInteger(value)) {
        context.fail('unsafe_number', `${value} is beyond 2^53 and was rounded: write ${example}`)
      } else {
        context.instantMs = perMs === 1 ? value : Math.floor(value / perMs)
        context.writer.long(value)
      }
    },
  }
}

/** `date`: `YYYY-MM-DD` or days since 1970-01-01. */
export function dateEncoder(): ValueEncoder {
  const min = epochMsMin / dayMs
  const max = Math.floor(epochMsMax / dayMs)
  return {
    whole: true,
    sameKind: isTextOrNumber,
    accepts: (value) =>
      typeof value === 'string'
        ? typeof parseDate(value) === 'number'
        : isWholeBetween(value, min, max),
    encode(context, value) {
      if (typeof value === 'string') {
        const days = parseDate(value)
        if (typeof days === 'number') context.writer.int(days)
        else context.fail('bad_date', `${showValue(value)} is not a date: ${days}`)
      } else if (typeof value !== 'number') {
        context.fail('wrong_type', `expected a date as YYYY-MM-DD, got ${showValue(value)}`)
      } else if (!Number.isInteger(value)) {
        context.fail('bad_date', `${value} is not a whole number of days since 1970-01-01`)
      } else if (value < min || value > max) {
        context.fail('out_of_range', `${value} days since 1970 is not in the years 0001 to 9999`)
      } else {
        context.writer.int(value)
      }
    },
  }
}

/** `time-millis` and `time-micros`: `HH:MM:SS.fff`, or a number in the type's unit since midnight. */
export function timeEncoder(unit: 'millis' | 'micros'): ValueEncoder {
  const perMs = unit === 'millis' ? 1 : 1000
  const max = dayMs * perMs - 1
  return {
    whole: true,
    sameKind: isTextOrNumber,
    accepts: (value) =>
      typeof value === 'string'
        ? parseTime(value, parsed) === undefined
        : isWholeBetween(value, 0, max),
    encode(context, value) {
      if (typeof value === 'string') {
        const wrong = parseTime(value, parsed)
        if (wrong !== undefined) {
          context.fail('bad_time', `${showValue(value)} is not a time of day: ${wrong}`)
          return
        }
        context.writer.long(parsed.epochMs * perMs + (perMs === 1 ? 0 : parsed.micros))
      } else if (typeof value !== 'number') {
        context.fail('wrong_type', `expected a time as HH:MM:SS, got ${showValue(value)}`)
      } else if (!Number.isInteger(value)) {
        context.fail('bad_time', `${value} is not a whole number of ${unit} since midnight`)
      } else if (value < 0 || value > max) {
        context.fail('out_of_range', `a time of day is 0 to ${max} ${unit}, got ${value}`)
      } else {
        context.writer.long(value)
      }
    },
  }
}
