import type { ReplayStatus } from '../../replay-status.ts'
import { count, showSeconds, showTime } from '../figures.ts'
import { formatTable } from '../table.ts'
import { stateText } from './state-text.ts'

/** Lines of a list of replays, each with its line feed. */
export function replaysTable(replays: readonly ReplayStatus[]): string[] {
  const header = ['id', 'state', 'done', 'events/s', 'left', 'compared', 'promote', 'requested']
  const rows = replays.map(({ id, state, progress, comparison, request, requested_at }) => {
    const { percent, events_per_second = null, eta_seconds = null } = progress ?? {}
    return [
      id,
      stateText(state),
      percent === undefined ? '' : `${Math.floor(percent)} %`,
      events_per_second === null ? '' : count(Math.round(events_per_second)),
      eta_seconds === null ? '' : showSeconds(eta_seconds),
      comparison?.verdict.replaceAll('_', ' ') ?? '',
      request.promote,
      showTime(requested_at),
    ]
  })
  return formatTable([header, ...rows], { right: [2, 3, 4] }).split(/(?<=\n)/)
}
