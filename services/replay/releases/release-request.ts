import { isDeepStrictEqual } from 'node:util'
import type { ApplicationDefinition } from '@kappa/applications/definition'
import { type ReleaseRecord, TopicNames } from '@kappa/applications/records'
import type { Contracts } from '@kappa/contracts/contracts'
import { bindSources } from '../spark/sources.ts'

/**
 * The first record of a release: the definition as the folder has it, bound to the contracts.
 * @throws ApplicationError for a stream whose topic has no contract.
 */
export function requestRelease(
  definition: ApplicationDefinition,
  release: number,
  context: { contracts: Contracts; namespace: string; epoch: number },
): ReleaseRecord {
  const { application } = definition
  const { partitions } = definition.changelog
  const topics = new TopicNames(context.namespace)
  const views = Object.entries(definition.views).map(([name, view]) => {
    const changelog = { topic: topics.changelog(application, release, name), partitions }
    return [name, { ...view, columns: [], outputMode: 'update' as const, changelog }]
  })
  return {
    application,
    release,
    state: 'requested',
    definition: {
      ...definition,
      views: Object.fromEntries(views),
      sources: bindSources(definition, context.contracts),
      pinned: {},
    },
    epoch: context.epoch,
    created_at: Date.now(),
    updated_at: Date.now(),
  }
}

/**
 * The release with the bounds that the folder has now: no row depends on them, so a release that
 * has failed on one can go on from its checkpoints with another.
 */
export function withBoundsOf(
  definition: ApplicationDefinition,
  record: ReleaseRecord,
): ReleaseRecord {
  const streams = Object.entries(record.definition.streams).map(([name, stream]) => {
    const { undecodableEventsMax } = definition.streams[name] ?? stream
    return [name, undecodableEventsMax === undefined ? stream : { ...stream, undecodableEventsMax }]
  })
  return {
    ...record,
    definition: { ...record.definition, streams: Object.fromEntries(streams) },
  }
}

/** Whether the folder says something else than what the release was made of. */
export function folderDiffers(definition: ApplicationDefinition, record: ReleaseRecord): boolean {
  const views = Object.entries(record.definition.views).map(([name, view]) => {
    const {
      columns: _columns,
      outputMode: _mode,
      changelog: _changelog,
      writeAfter: _after,
      ...written
    } = view
    return [name, written]
  })
  const {
    sources: _sources,
    pinned: _pinned,
    starts: _starts,
    ...rest
  } = withBoundsOf(definition, record).definition
  const stored = { ...rest, views: Object.fromEntries(views) }
  // Both sides as JSON: the record came from JSON, which knows no undefined.
  return !isDeepStrictEqual(
    JSON.parse(JSON.stringify(definition)),
    JSON.parse(JSON.stringify(stored)),
  )
}
