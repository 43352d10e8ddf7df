import type { SideEffect } from '@kappa/replay/control/effects'

/** Where replay gets a signal: see `replay-main.ts`. */
export interface FaultPoint {
  readonly effect: SideEffect
  readonly when: 'before' | 'after'
  /** At the n-th time that an instance comes to it with a release; from 1. */
  readonly time: number
}

/**
 * Every side effect on the way from a request to the live release, and of a cancel, before and after:
 * in chains of points that one replay is struck at, one after the other. An instance that takes over
 * begins with what was committed, so it does not come to everything that the one before was about
 * to do.
 */
export const chains: readonly (readonly FaultPoint[])[] = [
  [
    ...around('start cluster'),
    ...around('pin datasets'),
    ...around('create topics'),
    ...around('start query'),
    // Built and compared, it goes on at the size of a live release.
    point('before', 'start cluster', 2),
    point('before', 'unfreeze rows'),
  ],
  [
    // The query is stopped first, then made to end where the live one has ended.
    ...around('cut query'),
    ...around('cut query', 2),
    ...around('compare rows'),
    // It is built by then: whoever takes over has nothing to stop.
    point('before', 'stop cluster'),
    ...around('freeze rows'),
    point('before', 'set pointer'),
  ],
  [...around('carry rows'), point('after', 'start cluster', 2), point('after', 'unfreeze rows')],
  [point('after', 'stop cluster'), point('after', 'set pointer')],
  [point('before', 'start query', 2)],
  [point('after', 'start query', 2)],
  around('remove release'),
]

function around(effect: SideEffect, time = 1): FaultPoint[] {
  return [point('before', effect, time), point('after', effect, time)]
}

function point(when: FaultPoint['when'], effect: SideEffect, time = 1): FaultPoint {
  return { effect, when, time }
}

export function nameOf({ when, effect, time }: FaultPoint): string {
  return time === 1 ? `${when} ${effect}` : `${when} ${effect} ${time}`
}
