import type { ReleaseParts } from '../releases/release-parts.ts'
import type { DefinitionAnalysis } from './analyse-definition.ts'
import { planReplay } from './plan-replay.ts'
import type { ReplayDryRun, ReplayRequest } from './replay-schemas.ts'

/**
 * Everything that is checked before a replay begins, Spark's word on the SQL included.
 * @throws ServiceError as `planReplay`
 */
export async function dryRunReplay(
  parts: ReleaseParts,
  analysis: DefinitionAnalysis,
  request: ReplayRequest,
): Promise<ReplayDryRun> {
  const { application } = request
  const { definition, replay, live, problems } = await planReplay(parts, analysis, request)
  const analysed = await analysis.of(definition)
  const wrong = 'problems' in analysed ? analysed.problems : []
  return structuredClone({
    application,
    release: (parts.releases.of(application)[0]?.release ?? 0) + 1,
    replaces: live.release,
    plan: replay.plan,
    problems: [...problems, ...wrong.map((message) => ({ code: 'application_invalid', message }))],
  }) as ReplayDryRun
}
