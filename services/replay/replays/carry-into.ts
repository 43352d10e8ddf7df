import {
  positionKey,
  type ReleaseDefinition,
  type ReleaseRecord,
} from '@kappa/applications/records'
import { ServiceError } from '@kappa/service/errors'
import { type CarryPlan, planCarry } from '../carrying/carry-plan.ts'
import { carryRows } from '../carrying/carry-rows.ts'
import type { ReleaseId } from '../control/releases.ts'
import type { ReleaseParts } from '../releases/release-parts.ts'

/**
 * Which rows of the live release a replay can take over.
 * @param definition its views analysed by Spark
 * @throws ServiceError `carry_refused` with every reason
 */
export function planCarryFrom(
  { control }: Pick<ReleaseParts, 'control'>,
  live: ReleaseRecord,
  timestamp: string,
  definition: Pick<ReleaseDefinition, 'views' | 'sources'>,
): CarryPlan {
  const { application, release } = live
  const positions = Object.keys(live.definition.views).map((view) => [
    view,
    control.positions.get(positionKey(application, release, view)),
  ])
  const plan = planCarry({
    timestampMs: Date.parse(timestamp),
    definition,
    live: { release, definition: live.definition, positions: Object.fromEntries(positions) },
  })
  if (!('refused' in plan)) return plan
  throw new ServiceError('carry_refused', plan.refused.join(' '), {
    details: { reasons: plan.refused },
  })
}

/** Before the first query of a release starts: the rows that it takes over. Again after a crash. */
export async function carryInto(
  parts: ReleaseParts,
  id: ReleaseId,
  signal: AbortSignal,
): Promise<void> {
  const { releases, kafka, effects, control } = parts
  const { replay, definition } = releases.get(id)
  const carried = replay?.plan?.carry
  if (!replay?.carry || !carried || replay.carried_rows) return
  const live = releases.get({ application: id.application, release: replay.replaces ?? 0 })
  const rows: Record<string, number> = {}
  const producer = kafka.producer()
  try {
    for (const [view, plan] of Object.entries(carried)) {
      const old = live.definition.views[view]
      const changelog = definition.views[view]?.changelog
      const position = control.positions.get(positionKey(id.application, live.release, view))
      if (!old || !changelog || !position)
        throw new Error(`View ${view} cannot be carried any more.`)
      const job = {
        live: { release: live.release, view: old, ends: position.changelog },
        changelog,
        plan: { timeColumn: plan.time_column, lastCarriedMs: plan.last_carried_ms },
      }
      const { values } = await effects.perform('carry rows', id, () =>
        carryRows(kafka, producer, job, signal),
      )
      rows[view] = values
    }
  } finally {
    await producer.close()
  }
  await releases.update(id, ({ replay: now }) => now && { replay: { ...now, carried_rows: rows } })
}
