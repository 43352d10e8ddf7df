import type { ReleaseDefinition, ReleaseRecord, ReleaseView } from '@kappa/applications/records'
import type { ReleaseSession } from '../clusters/release-session.ts'
import type { ReleaseId } from '../control/releases.ts'
import { pinDatasets } from '../releases/datasets.ts'
import type { ReleaseParts } from '../releases/release-parts.ts'
import { carryInto } from '../replays/carry-into.ts'
import { extendSources } from '../spark/sources.ts'
import { analyseViews } from '../spark/spark-views.ts'

const topicTimeoutMs = 30_000

/**
 * Makes what the queries of a release need: a branch for every version of the contracts that came
 * after it was made, copies of the datasets, the inputs under their names, the columns of every view,
 * changelog topics, rows that are carried over. Nothing that exists is made again.
 * @returns the definition, completed
 * @throws ApplicationError when Spark refuses a view.
 */
export async function prepareRelease(
  parts: ReleaseParts,
  session: ReleaseSession,
  id: ReleaseId,
  signal: AbortSignal,
): Promise<ReleaseDefinition> {
  const { releases } = parts
  const record = releases.get(id)
  const definition = await completeDefinition(parts, session, record)
  await releases.update(id, ({ state }) => ({
    definition,
    ...(state === 'requested' ? { state: 'checked' as const } : {}),
  }))
  await createChangelogs(parts, id, definition)
  await carryInto(parts, id, signal)
  await releases.update(id, ({ state }) =>
    state === 'checked' ? { state: 'starting' } : undefined,
  )
  return definition
}

async function completeDefinition(
  parts: ReleaseParts,
  session: ReleaseSession,
  record: ReleaseRecord,
): Promise<ReleaseDefinition> {
  let { definition } = record
  definition = {
    ...definition,
    sources: extendSources(definition.sources, parts.contracts.current),
  }
  if (Object.keys(definition.datasets).some((name) => !(name in definition.pinned))) {
    const options = { folder: parts.config.applicationsFolder, release: record.release }
    const pinned = await parts.effects.perform('pin datasets', record, () =>
      pinDatasets(parts.store, definition, options),
    )
    definition = { ...definition, pinned }
  }
  await session.registerInputs(definition)
  if (Object.values(definition.views).every(({ columns }) => columns.length > 0)) return definition
  const columns = await analyseViews(session.spark, record.application, definition.views)
  const views: Record<string, ReleaseView> = {}
  for (const [name, view] of Object.entries(definition.views)) {
    views[name] = { ...view, columns: columns[name] ?? [] }
  }
  return { ...definition, views }
}

async function createChangelogs(
  { kafka, config, effects }: ReleaseParts,
  id: ReleaseId,
  definition: ReleaseDefinition,
): Promise<void> {
  const changelogs = Object.values(definition.views).map(({ changelog }) => ({
    ...changelog,
    replicationFactor: config.release.replicationFactor,
    // A comparison looks at rows as they were at a position that the live release has left behind.
    config: { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': '3600000' },
  }))
  await effects.perform('create topics', id, () =>
    kafka.admin.createTopics(changelogs, topicTimeoutMs),
  )
}
