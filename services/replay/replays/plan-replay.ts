import type { ApplicationDefinition } from '@kappa/applications/definition'
import type { ReleaseDefinition, ReleaseRecord, ReleaseView } from '@kappa/applications/records'
import type { ReplayPlan, ReplayRecord } from '@kappa/applications/replay-record'
import { ServiceError } from '@kappa/service/errors'
import type { CarryPlan } from '../carrying/carry-plan.ts'
import type { ReleaseParts } from '../releases/release-parts.ts'
import type { DefinitionAnalysis } from './analyse-definition.ts'
import { planCarryFrom } from './carry-into.ts'
import { bindDefinition, liveOf, readDefinition } from './folder-definition.ts'
import { makePlan, type PlanProblem } from './make-plan.ts'
import { planState } from './plan-state.ts'
import { readRequest } from './read-request.ts'
import type { ReplayRequest } from './replay-schemas.ts'

export interface PlannedReplay {
  readonly definition: ApplicationDefinition
  /** What Spark made of the views, where it was asked. */
  readonly views: Readonly<Record<string, Pick<ReleaseView, 'columns' | 'writeAfter'>>>
  readonly replay: ReplayRecord & { readonly plan: ReplayPlan }
  readonly live: ReleaseRecord
  readonly problems: readonly PlanProblem[]
}

/**
 * Finds out what a replay would do. Spark is asked only where rows are to be carried over.
 * @throws ServiceError `nothing_to_replace`, `application_invalid`, `contract_missing`,
 *   `carry_refused`, `bad_request`
 */
export async function planReplay(
  parts: ReleaseParts,
  analysis: DefinitionAnalysis,
  request: ReplayRequest,
): Promise<PlannedReplay> {
  const { application } = request
  const live = liveOf(parts, application)
  const definition = await readDefinition(parts, application)
  const bound = await bindDefinition(parts, definition)
  const replay = readRequest(parts, request, live.release)
  const { views, carry } = await carriedViews(parts, analysis, { definition, bound, live, replay })
  const { plan, problems } = await makePlan(parts, application, Object.values(bound.sources), {
    from: replay.from,
    accept_partial: replay.accept_partial,
    windowMs: carry?.leadMs ?? 0,
  })
  const carried = carry ? { carry: carriedOf(carry) } : {}
  const state = planState(parts, live, definition, plan.topics)
  return {
    definition,
    views,
    replay: { ...replay, plan: { ...plan, ...state, ...carried } },
    live,
    problems,
  }
}

async function carriedViews(
  parts: ReleaseParts,
  analysis: DefinitionAnalysis,
  what: {
    definition: ApplicationDefinition
    bound: ReleaseDefinition
    live: ReleaseRecord
    replay: ReplayRecord
  },
): Promise<{ views: PlannedReplay['views']; carry?: CarryPlan }> {
  const { definition, bound, live, replay } = what
  const { from } = replay
  if (!replay.carry || typeof from !== 'object' || !('timestamp' in from)) return { views: {} }
  const analysed = await analysis.of(definition)
  if ('problems' in analysed) {
    throw new ServiceError('application_invalid', analysed.problems.join('\n'), {
      details: { problems: analysed.problems },
    })
  }
  const columns = Object.entries(bound.views).map(([name, view]) => [
    name,
    { ...view, columns: analysed.columns[name] ?? [] },
  ])
  const carry = planCarryFrom(parts, live, from.timestamp, {
    sources: bound.sources,
    views: Object.fromEntries(columns),
  })
  const views = Object.entries(analysed.columns).map(([name, found]) => {
    const writeAfter = carry.views[name]?.writeAfter
    return [name, { columns: found, ...(writeAfter === undefined ? {} : { writeAfter }) }]
  })
  return { views: Object.fromEntries(views), carry }
}

function carriedOf(carry: CarryPlan): NonNullable<ReplayPlan['carry']> {
  const views = Object.entries(carry.views).map(([name, view]) => [
    name,
    {
      window_ms: view.windowMs,
      time_column: view.timeColumn,
      last_carried_ms: view.lastCarriedMs,
    },
  ])
  return Object.fromEntries(views)
}
