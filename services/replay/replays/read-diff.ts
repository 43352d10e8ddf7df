import type { DefinitionDiff } from '../definitions/definition-diff.ts'
import { diffDefinitions } from '../definitions/diff-definitions.ts'
import { hashDatasets } from '../releases/datasets.ts'
import type { ReleaseParts } from '../releases/release-parts.ts'
import type { DefinitionAnalysis } from './analyse-definition.ts'
import { bindDefinition, liveOf, readDefinition } from './folder-definition.ts'

/**
 * What a replay of the folder would change of the live release.
 * @throws ServiceError `nothing_to_replace`, `application_invalid`, `contract_missing`
 */
export async function readDiff(
  parts: ReleaseParts,
  analysis: DefinitionAnalysis,
  application: string,
): Promise<DefinitionDiff & { application: string; release: number; problems: string[] }> {
  const live = liveOf(parts, application)
  const definition = await readDefinition(parts, application)
  const { sources } = await bindDefinition(parts, definition)
  const sha256 = await hashDatasets(definition, parts.config.applicationsFolder)
  const folder = { definition, sources, sha256 }
  const diff = diffDefinitions(live.definition, folder)
  const about = { application, release: live.release }
  // Rows can change their columns only with the SQL or with what it reads.
  if (diff.views.length + diff.streams.length + diff.datasets.length === 0) {
    return { ...about, ...diff, problems: [] }
  }
  const analysed = await analysis.of(definition)
  if ('problems' in analysed) return { ...about, ...diff, problems: [...analysed.problems] }
  const { columns } = analysed
  return { ...about, ...diffDefinitions(live.definition, { ...folder, columns }), problems: [] }
}
