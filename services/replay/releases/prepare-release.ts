import type { ReleaseDefinition, ReleaseRecord, ReleaseView } from '@kappa/applications/records'
import { extendSources } from '../spark/sources.ts'
import { analyseViews, registerInputs } from '../spark/spark-views.ts'
import { unbounded } from '../spark/stream-reading.ts'
import { pinDatasets } from './datasets.ts'
import type { ReleaseParts } from './release-parts.ts'
import type { ReleaseSession } from './release-session.ts'

const topicTimeoutMs = 30_000

/**
 * Makes what the queries of a release need: a branch for every version of the contracts that came
 * after it was made, copies of the datasets, the inputs under their names, the columns of every view,
 * changelog topics. Nothing that exists is made again.
 * @returns the definition, completed; the same object when nothing was missing in it
 * @throws ApplicationError when Spark refuses a view.
 */
export async function prepareRelease(
  parts: Pick<ReleaseParts, 'store' | 'kafka' | 'config' | 'contracts'>,
  session: ReleaseSession,
  record: ReleaseRecord,
): Promise<ReleaseDefinition> {
  const { application, release } = record
  let { definition } = record
  const sources = extendSources(definition.sources, parts.contracts)
  if (sources !== definition.sources) definition = { ...definition, sources }
  const unpinned = Object.keys(definition.datasets).some((name) => !(name in definition.pinned))
  if (unpinned) {
    const options = { folder: parts.config.applicationsFolder, release }
    definition = { ...definition, pinned: await pinDatasets(parts.store, definition, options) }
  }
  await registerInputs(session.spark, definition, session.kafka, unbounded)
  if (Object.values(definition.views).some(({ columns }) => columns.length === 0)) {
    const columns = await analyseViews(session.spark, application, definition.views)
    const views: Record<string, ReleaseView> = {}
    for (const [name, view] of Object.entries(definition.views)) {
      views[name] = { ...view, columns: columns[name] ?? [] }
    }
    definition = { ...definition, views }
  }
  const changelogs = Object.values(definition.views).map(({ changelog }) => ({
    ...changelog,
    replicationFactor: parts.config.release.replicationFactor,
    config: { 'cleanup.policy': 'compact' },
  }))
  await parts.kafka.admin.createTopics(changelogs, topicTimeoutMs)
  return definition
}
