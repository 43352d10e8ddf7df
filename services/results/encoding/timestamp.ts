/**
 * The canonical form of times in changelogs: UTC, always 6 fraction digits
 * (`2013-01-01T05:00:00.000000Z`), dates as `2013-01-01`. Its width is fixed from year 1 to 9999,
 * so that the order of the texts is the order of the times.
 */

const dateForm = /^(\d{4})-(\d{2})-(\d{2})$/
const canonicalForm = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/
const timeForm =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?$/i

/** A date as `YYYY-MM-DD`, or undefined for what is no date of the calendar. */
export function canonicalDate(text: string): string | undefined {
  const match = dateForm.exec(text)
  if (!match) return undefined
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const isThere = year > 0 && month >= 1 && month <= 12 && day >= 1
  return isThere && day <= daysIn(year, month) ? text : undefined
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/**
 * A timestamp in canonical form from ISO 8601: a date (its midnight), or date and time with an
 * offset; without one it is UTC. Undefined when it is neither, or finer than microseconds.
 */
export function canonicalTimestamp(text: string): string | undefined {
  if (canonicalForm.test(text)) return canonicalDate(text.slice(0, 10)) && text
  if (canonicalDate(text)) return `${text}T00:00:00.000000Z`
  const match = timeForm.exec(text)
  if (!match) return undefined
  const [, date, hours, minutes, seconds = '00', fraction = '', zone = 'Z'] = match
  if (!date || !canonicalDate(date)) return undefined
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined
  if (/[1-9]/.test(fraction.slice(6))) return undefined
  const offset = offsetMinutes(zone)
  if (offset === undefined) return undefined
  const utc = new Date(Date.parse(`${date}T${hours}:${minutes}:${seconds}Z`) - offset * 60_000)
  const year = utc.getUTCFullYear()
  if (year < 1 || year > 9999) return undefined
  return `${utc.toISOString().slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, '0')}Z`
}

function offsetMinutes(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(-2))
  if (hours > 18 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}
