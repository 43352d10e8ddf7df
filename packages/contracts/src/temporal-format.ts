import { dayMs } from './temporal.ts'

/** `2013-01-01T05:17:00.123456` of microseconds since 1970, with 3 or 6 fraction digits, no zone. */
export function formatTimestamp(epochMicros: bigint, fractionDigits: 3 | 6): string {
  const dayMicros = BigInt(dayMs) * 1000n
  let days = epochMicros / dayMicros
  let rest = epochMicros % dayMicros
  if (rest < 0n) {
    days -= 1n
    rest += dayMicros
  }
  return `${formatDate(Number(days))}T${formatTime(Number(rest), fractionDigits)}`
}

/** `2013-01-01` of days since 1970-01-01. */
export function formatDate(days: number): string {
  const date = new Date(days * dayMs)
  const year = String(date.getUTCFullYear()).padStart(4, '0')
  return `${year}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`
}

/** `05:17:00.123456` of microseconds since midnight, with 3 or 6 fraction digits. */
export function formatTime(micros: number, fractionDigits: 3 | 6): string {
  const seconds = Math.floor(micros / 1_000_000)
  const fraction = String(micros % 1_000_000)
    .padStart(6, '0')
    .slice(0, fractionDigits)
  const hours = Math.floor(seconds / 3600)
  return `${two(hours)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
