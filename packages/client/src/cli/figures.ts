const barCellsMax = 16
const barCellsMin = 4

export function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** A number of things with their name: `1 view`, `2,000 views`. */
export function countOf(value: number, singular: string, plural = `${singular}s`): string {
  return `${count(value)} ${value === 1 ? singular : plural}`
}

export function showSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  const whole = Math.round(seconds)
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min ${whole % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** How old something is, under a minute to a tenth of a second. */
export function showAge(ms: number): string {
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : showSeconds(ms / 1_000)
}

/** UTC, to the second. @param time epoch milliseconds or ISO 8601; empty when there is none */
export function showTime(time: number | string | null | undefined): string {
  if (time === null || time === undefined) return ''
  const at = new Date(time)
  if (Number.isNaN(at.getTime())) return String(time)
  return at.toISOString().slice(0, 19).replace('T', ' ')
}

export function drawBar(share: number, cells = barCellsMax): string {
  const full = Math.min(cells, Math.max(0, Math.round(share * cells)))
  return `[${'#'.repeat(full)}${'.'.repeat(cells - full)}]`
}

/** A line with a bar before it that takes the place that the text leaves; none where that is little. */
export function withBar(share: number, text: string, columns: number): string {
  const cells = Math.min(barCellsMax, columns - text.length - '[] '.length)
  return cells < barCellsMin ? text : `${drawBar(share, cells)} ${text}`
}
