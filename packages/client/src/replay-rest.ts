import type { ReleaseState, ReplayStatus } from './replay-status.ts'

const building: ReadonlySet<ReleaseState> = new Set([
  'requested',
  'checked',
  'starting',
  'catching_up',
  'comparing',
])

/** Whether a replay in this state is neither over nor has its release been live. */
export function isUnderWay(state: ReleaseState): boolean {
  return building.has(state) || state === 'paused' || state === 'ready'
}

/** Whether nothing goes on any more until somebody asks for it. */
export function isAtRest(replay: ReplayStatus): boolean {
  return !building.has(replay.state) && !isToBePromoted(replay)
}

/**
 * Ready, and its policy lets it become live. A note may say why that has not come about: it is tried
 * again. It stays so for good where another release has become live since it was compared, so
 * whoever waits for it needs a bound.
 */
export function isToBePromoted({ state, request, comparison }: ReplayStatus): boolean {
  if (state !== 'ready') return false
  const { promote } = request
  return promote === 'always' || (promote === 'if-equal' && comparison?.verdict === 'equal')
}
