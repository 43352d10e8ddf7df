import type { ApplicationDefinition } from '@kappa/applications/definition'
import { positionKey, type ReleaseRecord } from '@kappa/applications/records'
import type { ReplayPlan } from '@kappa/applications/replay-record'
import type { ReleaseParts } from '../releases/release-parts.ts'
import { chooseStateStore } from '../spark/state-store.ts'

/** A stream without lateness still keeps the rows of a batch. */
const latenessMsMin = 60_000

/** Where a release is to keep its state, by what the live one holds. */
export function planState(
  { control }: Pick<ReleaseParts, 'control'>,
  live: ReleaseRecord,
  definition: ApplicationDefinition,
  topics: ReplayPlan['topics'],
): Pick<ReplayPlan, 'state_rows' | 'state_store'> {
  const rows = Object.keys(live.definition.views).map(
    (view) => control.positions.get(positionKey(live.application, live.release, view))?.state_rows,
  )
  const known = rows.every((count) => count !== undefined)
  const stateRows = known ? rows.reduce<number>((sum, count) => sum + (count ?? 0), 0) : null
  const views = Object.keys(definition.views)
  // Of a view that the live release does not have nobody knows how much state it will hold.
  const isNew = views.some((view) => !live.definition.views[view])
  const expected =
    stateRows === null || isNew
      ? undefined
      : { live: stateRows, catchUp: stateRows * widening(definition.streams, topics) }
  return {
    state_rows: stateRows,
    state_store: chooseStateStore(definition.spark, views.length, expected),
  }
}

/** How many times as much event time is open at once while the watermark waits for the slack, too. */
export function widening(
  streams: Readonly<Record<string, { readonly latenessMs: number }>>,
  topics: readonly Pick<ReplayPlan['topics'][number], 'streams' | 'slack_ms'>[],
): number {
  const factors = topics.flatMap(({ streams: names, slack_ms }) =>
    names.map((name) => {
      const latenessMs = Math.max(latenessMsMin, streams[name]?.latenessMs ?? 0)
      return (latenessMs + slack_ms) / latenessMs
    }),
  )
  return Math.max(1, ...factors)
}
