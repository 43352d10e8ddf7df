import type { SideEffect } from '@kappa/replay/control/effects'

/** Where replay gets a signal: see `replay-main.ts`. */
export interface FaultPoint {
  readonly effect: SideEffect
  readonly when: 'before' | 'after'
  /** At the n-th time that a release comes to it; from 1. */
  readonly time: number
}

const wanted = process.env.KAPPA_TEST_EFFECTS?.split(',')

const ofReplay: readonly (readonly [SideEffect, number])[] = [
  ['start cluster', 1],
  ['pin datasets', 1],
  ['create topics', 1],
  ['carry rows', 1],
  ['start query', 1],
  // The query is stopped first, then made to end where the live one has ended.
  ['cut query', 1],
  ['cut query', 2],
  ['compare rows', 1],
  ['stop cluster', 1],
  // Built and compared, it goes on at the size of a live release.
  ['start cluster', 2],
  ['start query', 2],
  ['freeze rows', 1],
  ['set pointer', 1],
  ['unfreeze rows', 1],
  ['remove release', 1],
]

/**
 * Every side effect on the way from a request to the live release, and of a cancel: once each way.
 * `KAPPA_TEST_EFFECTS=compare rows,set pointer` chooses some of them.
 */
export const allPoints: readonly FaultPoint[] = ofReplay
  .filter(([effect]) => wanted === undefined || wanted.includes(effect))
  .flatMap(([effect, time]) =>
    (['before', 'after'] as const).map((when) => ({ effect, when, time })),
  )

export function nameOf({ when, effect, time }: FaultPoint): string {
  return time === 1 ? `${when} ${effect}` : `${when} ${effect} ${time}`
}
