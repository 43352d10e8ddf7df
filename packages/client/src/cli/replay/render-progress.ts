import type { ReplayStatus } from '../../replay-status.ts'
import { count, showSeconds } from '../figures.ts'
import { plainLine } from '../plain-text.ts'
import { stateText } from './state-text.ts'

/** Where a replay is, in one line: `flights-2 catching up: 42 %, 102,345 events/s, 17 s left, …`. */
export function progressLine({ id, state, note, progress }: ReplayStatus): string {
  const parts: string[] = []
  if (progress !== null) {
    const { percent, events_per_second, eta_seconds, lag_events } = progress
    parts.push(`${Math.floor(percent)} %`)
    if (events_per_second !== null) parts.push(`${count(Math.round(events_per_second))} events/s`)
    if (eta_seconds !== null) parts.push(`${showSeconds(eta_seconds)} left`)
    parts.push(`lag ${count(lag_events)}`)
  }
  if (note !== null) parts.push(plainLine(note))
  const where = `${id} ${stateText(state)}`
  return parts.length === 0 ? where : `${where}: ${parts.join(', ')}`
}
