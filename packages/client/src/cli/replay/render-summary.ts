import { isToBePromoted } from '../../replay-rest.ts'
import type { ReplayStatus } from '../../replay-status.ts'
import { countOf } from '../figures.ts'
import { plainText } from '../plain-text.ts'
import { formatTable } from '../table.ts'
import { comparisonText } from './render-comparison.ts'
import { fromText, planText } from './render-plan.ts'
import { progressLine } from './render-progress.ts'

/** What became of a replay, what its comparison found, and what can be done next. */
export function summaryText(replay: ReplayStatus): string {
  const { note, progress, comparison, release } = replay
  const dropped = progress?.rows_dropped_by_watermark ?? 0
  const lines = [headline(replay)]
  if (isToBePromoted(replay)) {
    lines.push(`It is to be made live (--promote ${replay.request.promote}), and is not yet.`)
  }
  if (note !== null) lines.push(plainText(note))
  if (dropped > 0) {
    lines.push(
      `Dropped by the watermark: ${countOf(dropped, 'row')}. It cannot be promoted; replay again.`,
    )
  }
  const compared = comparison === null ? '' : `\n${comparisonText(comparison, release)}`
  const next = nextCommands(replay, dropped)
  const table = formatTable(next.map(([command, effect]) => [`  kappa ${command}`, effect]))
  return `${lines.join('\n')}\n${compared}${next.length === 0 ? '' : `\nNext:\n${table}`}`
}

/** What was asked for and what it means, for a replay that has just been started. */
export function startText({ id, application, release, replaces, request, plan }: ReplayStatus) {
  const beside = replaces === null ? '' : `, beside release ${replaces}`
  const what = `${id}: ${application} is replayed from ${fromText(request.from)} into release ${release}${beside}.`
  return `${what}\n${plan === null ? '' : planText(plan)}`
}

function headline(replay: ReplayStatus): string {
  const { id, release, state, cause } = replay
  switch (state) {
    case 'ready':
      return `${id} is ready: it has read the whole log and runs as the live release would.`
    case 'live':
      return `${id} is live: readers get release ${release}.`
    case 'failed':
      return `${id} failed: ${plainText(cause ?? 'no cause is told')}`
    case 'cancelled':
      return `${id} was cancelled; what it has built is deleted.`
    case 'paused':
      return `${id} is paused: its cluster is stopped, its checkpoints stay.`
    case 'standby':
      return `${id} is on standby: it was live, and goes on running.`
    case 'retained':
      return `${id} is retained: it was live, is stopped, and everything of it is kept.`
    case 'retired':
      return `${id} is retired: it was deleted.`
    default:
      return progressLine({ ...replay, note: null })
  }
}

function nextCommands(replay: ReplayStatus, dropped: number): (readonly [string, string])[] {
  const { id, application, state, replaces } = replay
  const cancel = [`cancel ${id}`, 'gives it up and deletes what it has built'] as const
  switch (state) {
    case 'ready':
      return dropped > 0 ? [cancel] : [[`promote ${id}`, 'makes it live'], cancel]
    case 'live':
      return replaces === null
        ? []
        : [[`rollback ${application}`, `brings release ${replaces} back`]]
    case 'failed':
    case 'paused':
      return [[`resume ${id}`, 'goes on from its checkpoints'], cancel]
    case 'cancelled':
      return [[`replay ${application}`, 'starts another one']]
    case 'standby':
    case 'retained':
      return [[`rollback ${application} --to ${replay.release}`, 'makes it live again']]
    case 'retired':
      return []
    default:
      return [[`replays ${id} --watch`, 'tells how it goes on'], cancel]
  }
}
