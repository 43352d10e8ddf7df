import type { ReleaseState } from '@kappa/applications/records'

/**
 * The life of a release.
 *
 * requested: the definition is stored; nothing has been started.
 * starting: Spark has accepted every view; topics, copies and queries are being made.
 * live: readers get its rows.
 * failed: stopped, with its cause; asked to start again it goes on from its checkpoints.
 */
const allowed: Readonly<Record<ReleaseState, readonly ReleaseState[]>> = {
  requested: ['starting', 'failed'],
  starting: ['live', 'failed'],
  live: ['failed'],
  failed: ['requested', 'starting', 'live'],
}

/** @throws Error when a release may not go from one state to the other: a defect of ours. */
export function checkTransition(from: ReleaseState, to: ReleaseState): void {
  if (from === to || allowed[from].includes(to)) return
  throw new Error(`A release cannot go from ${from} to ${to}.`)
}
