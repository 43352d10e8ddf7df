const unitMs: Readonly<Record<string, number>> = {
  week: 604_800_000,
  day: 86_400_000,
  hour: 3_600_000,
  minute: 60_000,
  second: 1_000,
  millisecond: 1,
}

const form = /^\s*(?:interval\s+)?(\d+\s+[a-z]+(?:\s+\d+\s+[a-z]+)*)\s*$/i
const part = /(\d+)\s+([a-z]+)/gi

/**
 * Milliseconds of a duration as Spark's `window` takes it: `1 hour`, `interval 3 hours`,
 * `1 hour 30 minutes`; a day is 24 hours. Spark reads more (signs, fractions, microseconds); what
 * is not of this form, or names a unit twice, is undefined: better not read than read wrong.
 */
export function parseSparkDuration(text: string): number | undefined {
  const parts = form.exec(text)?.[1]?.matchAll(part)
  if (parts === undefined) return undefined
  let ms = 0
  const seen = new Set<string>()
  for (const [, count, name = ''] of parts) {
    const unit = name.toLowerCase().replace(/s$/, '')
    const factor = unitMs[unit]
    if (factor === undefined || seen.has(unit)) return undefined
    seen.add(unit)
    ms += Number(count) * factor
  }
  return Number.isSafeInteger(ms) ? ms : undefined
}
