/**
 * ISO 8601 texts to epoch numbers and back, in the profile that RFC 3339 describes, with the
 * proleptic Gregorian calendar and the years 0001 to 9999 that Spark and SQL know. No Date in
 * between: it would lose the microseconds and take February 30 for March 1.
 */

export const dayMs = 86_400_000
/** 0001-01-01T00:00:00Z */
export const epochMsMin = -62_135_596_800_000
/** 9999-12-31T23:59:59.999Z */
export const epochMsMax = 253_402_300_799_999

/** Result of a parse: whole milliseconds (rounded down) and the microseconds after them. */
export interface Instant {
  epochMs: number
  micros: number
}

const zero = 0x30
const hyphen = 0x2d
const colon = 0x3a
const point = 0x2e
const comma = 0x2c

/** Reads two digits at `at`; -1 when one is not a digit. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - zero
  const ones = text.charCodeAt(at + 1) - zero
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1
}

/** Days since 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms", days_from_civil). */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

const dateForm = 'YYYY-MM-DD'

/** The last date that was read: most events are of the same day as the one before. */
const last = { year: 1970, month: 1, day: 1, days: 0 }

/** Days since 1970-01-01 of a text that begins with a date, or what is wrong with it. */
function dateAt(text: string): number | string {
  const century = twoDigits(text, 0)
  const yearOfCentury = twoDigits(text, 2)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  const hyphens = text.charCodeAt(4) === hyphen && text.charCodeAt(7) === hyphen
  if (century < 0 || yearOfCentury < 0 || month < 0 || day < 0 || !hyphens) {
    return `expected ${dateForm}`
  }
  const year = century * 100 + yearOfCentury
  if (year === 0) return 'the year is 0001 to 9999'
  if (month < 1 || month > 12) return `there is no month ${text.slice(5, 7)}`
  if (day < 1 || day > daysInMonth(year, month)) {
    return `${text.slice(0, 7)} has no day ${text.slice(8, 10)}`
  }
  if (day !== last.day || month !== last.month || year !== last.year) {
    last.days = daysFromCivil(year, month, day)
    last.day = day
    last.month = month
    last.year = year
  }
  return last.days
}

/** Days since 1970-01-01, or a string that says what is wrong. */
export function parseDate(text: string): number | string {
  return text.length === 10 ? dateAt(text) : `expected ${dateForm}`
}

/** Where `timeAt` stopped reading; it works on one text at a time. */
let stoppedAt = 0

/** Adds `HH:MM[:SS[.f…]]` at `at` to `out`; returns what is wrong, or undefined. */
function timeAt(text: string, at: number, out: Instant): string | undefined {
  const hour = twoDigits(text, at)
  const minute = twoDigits(text, at + 3)
  if (hour < 0 || minute < 0 || text.charCodeAt(at + 2) !== colon)
    return 'expected the time as HH:MM:SS'
  let second = 0
  let fraction = 0
  let next = at + 5
  if (text.charCodeAt(next) === colon) {
    second = twoDigits(text, next + 1)
    if (second < 0) return 'expected the time as HH:MM:SS'
    next += 3
    const separator = text.charCodeAt(next)
    if (separator === point || separator === comma) {
      const first = ++next
      for (;;) {
        const digit = text.charCodeAt(next) - zero
        if (!(digit >= 0 && digit <= 9)) break
        if (next - first < 6) fraction = fraction * 10 + digit
        next++
      }
      const count = next - first
      if (count < 1 || count > 9) return 'the fraction of a second has 1 to 9 digits'
      for (let missing = count; missing < 6; missing++) fraction *= 10
    }
  }
  if (hour > 23) return 'the hour is 00 to 23'
  if (minute > 59) return 'the minute is 00 to 59'
  if (second > 59) return 'the second is 00 to 59 (leap seconds cannot be stored)'
  const micros = fraction % 1000
  out.epochMs += ((hour * 60 + minute) * 60 + second) * 1000 + (fraction - micros) / 1000
  out.micros = micros
  stoppedAt = next
  return undefined
}

/** Minutes east of UTC of the zone that ends the text, or what is wrong. */
function zoneAt(text: string, at: number): number | string {
  const sign = text[at]
  if ((sign === 'Z' || sign === 'z') && text.length === at + 1) return 0
  if (sign === undefined) return 'the zone is missing: end with Z or an offset such as +02:00'
  const rest = text.length - at
  const hour = twoDigits(text, at + 1)
  const minute = rest === 3 ? 0 : twoDigits(text, rest === 6 ? at + 4 : at + 3)
  const formed = rest === 3 || rest === 5 || (rest === 6 && text[at + 3] === ':')
  if ((sign !== '+' && sign !== '-') || !formed || hour < 0 || minute < 0) {
    return 'expected the zone as Z or an offset such as +02:00'
  }
  if (hour > 23 || minute > 59) return `there is no offset ${text.slice(at)}`
  return (sign === '-' ? -1 : 1) * (hour * 60 + minute)
}

/**
 * `2013-01-01T05:17:00.123456-05:00` into `out`. Digits after the microseconds are cut.
 * Returns what is wrong, or undefined.
 */
export function parseTimestamp(text: string, zoned: boolean, out: Instant): string | undefined {
  const days = dateAt(text)
  if (typeof days === 'string') return days
  const separator = text[10]
  if (separator !== 'T' && separator !== 't' && separator !== ' ') {
    return 'expected T and the time after the date'
  }
  out.epochMs = days * dayMs
  out.micros = 0
  const wrong = timeAt(text, 11, out)
  if (wrong !== undefined) return wrong
  if (!zoned) {
    return stoppedAt === text.length ? undefined : 'a local time has no zone'
  }
  const offset = zoneAt(text, stoppedAt)
  if (typeof offset === 'string') return offset
  out.epochMs -= offset * 60_000
  return out.epochMs < epochMsMin || out.epochMs > epochMsMax
    ? 'the year in UTC is 0001 to 9999'
    : undefined
}

/** `HH:MM[:SS[.f…]]` into `out`, from midnight. Returns what is wrong, or undefined. */
export function parseTime(text: string, out: Instant): string | undefined {
  out.epochMs = 0
  out.micros = 0
  const wrong = timeAt(text, 0, out)
  if (wrong !== undefined) return wrong
  return stoppedAt === text.length ? undefined : 'a time of day has no zone'
}
