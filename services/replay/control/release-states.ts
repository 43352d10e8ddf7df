import type { ReleaseState } from '@kappa/applications/records'

/**
 * The life of a release, as data. What a state means:
 *
 * requested: the definition is stored; nothing has been started.
 * checked: its plan is made, Spark has accepted every view.
 * starting: topics, copies and queries are being made.
 * catching_up: its queries read the log from the start; readers get the live release.
 * paused: its cluster is stopped, its checkpoints stay.
 * comparing: it has caught up; its rows are held beside those of the live release.
 * ready: it runs as the live release will, and may become it.
 * live: readers get its rows.
 * standby: it was live and goes on running, so that one call brings it back.
 * retained: its cluster is stopped, everything else is kept.
 * retired: it was deleted, or is being deleted (`removed` says which).
 * cancelled: a replay that somebody ended; deleted like a retired one.
 * failed: stopped, with its cause; asked to start again it goes on from its checkpoints.
 *
 * Invariants, each with the tests that name it; the fault runs hold all of them after every fault:
 * L1: an application has at most one live pointer, and it names a release that is live or has failed
 *   (`releases.test.ts`).
 * L2: every move is in this table (`releases.test.ts`).
 * L3: what a state promises was committed before its side effects began (`replay-killed.faults.ts`).
 * L4: a release in a state without a cluster has no process, no query, no pod
 *   (`replay-operations.faults.ts`).
 * L5: a removed release has no topic, no checkpoint, no row (`remove-release.test.ts`).
 */
const moves: Readonly<Record<ReleaseState, readonly ReleaseState[]>> = {
  requested: ['checked', 'paused', 'cancelled', 'failed'],
  checked: ['starting', 'paused', 'cancelled', 'failed'],
  // Without a release before it, there is nothing to be held against.
  starting: ['catching_up', 'live', 'paused', 'cancelled', 'failed'],
  catching_up: ['comparing', 'ready', 'paused', 'cancelled', 'failed'],
  paused: ['requested', 'checked', 'starting', 'cancelled', 'failed'],
  comparing: ['ready', 'paused', 'cancelled', 'failed'],
  ready: ['comparing', 'live', 'paused', 'cancelled', 'failed'],
  live: ['standby', 'failed'],
  standby: ['live', 'retained', 'retired', 'failed'],
  // Asked to come back, it starts from its checkpoints and catches up first.
  retained: ['starting', 'retired'],
  retired: [],
  cancelled: [],
  failed: ['requested', 'starting', 'live', 'standby', 'retained', 'retired', 'cancelled'],
}

const withCluster: ReadonlySet<ReleaseState> = new Set([
  'requested',
  'checked',
  'starting',
  'catching_up',
  'comparing',
  'ready',
  'live',
  'standby',
])

/** Whether a release in this state has, or is about to have, a cluster of its own. */
export function hasCluster(state: ReleaseState): boolean {
  return withCluster.has(state)
}

export function mayMove(from: ReleaseState, to: ReleaseState): boolean {
  return from === to || moves[from].includes(to)
}

/** @throws Error when a release may not go from one state to the other: a defect of ours. */
export function checkTransition(from: ReleaseState, to: ReleaseState): void {
  if (mayMove(from, to)) return
  throw new Error(`A release cannot go from ${from} to ${to}.`)
}
