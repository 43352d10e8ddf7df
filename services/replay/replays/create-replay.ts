import type { ReleaseDefinition, ReleaseRecord } from '@kappa/applications/records'
import { ServiceError } from '@kappa/service/errors'
import type { ReleaseParts } from '../releases/release-parts.ts'
import { requestRelease } from '../releases/release-request.ts'
import type { DefinitionAnalysis } from './analyse-definition.ts'
import { type PlannedReplay, planReplay } from './plan-replay.ts'
import { sameRequest } from './read-request.ts'
import type { ReplayRequest } from './replay-schemas.ts'

/**
 * Stores a replay, to be begun at once.
 * @returns the release that it builds; the one of before when the key was used for the same request
 * @throws ServiceError as `planReplay`, and for each problem of the plan its code;
 *   `idempotency_key_reused`
 */
export async function createReplay(
  parts: ReleaseParts,
  analysis: DefinitionAnalysis,
  request: ReplayRequest,
  key: string | undefined,
): Promise<{ record: ReleaseRecord; created: boolean }> {
  const { releases, config, control, contracts } = parts
  const known = key && releases.all().find(({ replay }) => replay?.idempotency_key === key)
  if (known) return { record: sameRequest(parts, known, request), created: false }
  const { definition, views, replay, problems } = await planReplay(parts, analysis, request)
  const [problem] = problems
  if (problem) {
    throw new ServiceError(problem.code, problems.map(({ message }) => message).join(' '), {
      details: { plan: replay.plan },
    })
  }
  const record = await releases.add(request.application, (release) => {
    const requested = requestRelease(definition, release, {
      contracts: contracts.current,
      namespace: config.namespace,
      epoch: control.epoch,
    })
    return {
      ...requested,
      definition: {
        ...requested.definition,
        views: withFound(requested.definition.views, views),
        starts: replay.plan.starts,
      },
      replay: { ...replay, ...(key ? { idempotency_key: key } : {}) },
    }
  })
  return { record, created: true }
}

function withFound(
  views: ReleaseDefinition['views'],
  found: PlannedReplay['views'],
): ReleaseDefinition['views'] {
  return Object.fromEntries(
    Object.entries(views).map(([name, view]) => [name, { ...view, ...found[name] }]),
  )
}
