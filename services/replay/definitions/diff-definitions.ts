import type { ApplicationDefinition } from '@kappa/applications/definition'
import type { ReleaseDefinition } from '@kappa/applications/records'
import type { StreamSource } from '@kappa/applications/stream-plan'
import type { ViewColumn } from '@kappa/applications/view-plan'
import { formatDuration } from '@kappa/contracts/duration'
import { columnChanges } from './column-changes.ts'
import type {
  ContractChange,
  DatasetChange,
  DefinitionDiff,
  FieldChange,
  StreamChange,
  ViewChange,
} from './definition-diff.ts'
import { sqlDiff } from './sql-diff.ts'

/** What a release that is made now would be made of. */
export interface FolderState {
  readonly definition: ApplicationDefinition
  /** `bindSources` of the definition. */
  readonly sources: Readonly<Record<string, StreamSource>>
  /** `hashDatasets` of the definition. */
  readonly sha256: Readonly<Record<string, string>>
  /** By view, where Spark has analysed it. */
  readonly columns?: Readonly<Record<string, readonly ViewColumn[]>>
}

type Fields = Readonly<Record<string, FieldChange['old'] | readonly string[] | undefined>>
type Change = ViewChange['change']

/** Everything in order of its name; bounds that reach a running release anyway are no difference. */
export function diffDefinitions(live: ReleaseDefinition, folder: FolderState): DefinitionDiff {
  const { definition } = folder
  const names = (part: 'views' | 'streams' | 'datasets') =>
    [...new Set([...Object.keys(live[part]), ...Object.keys(definition[part])])].sort()
  const settings = fieldChanges(settingsOf(live), settingsOf(definition))
  const views = names('views').flatMap((name) => viewChange(name, live, folder))
  const streams = names('streams').flatMap((name) => streamChange(name, live, folder))
  const datasets = names('datasets').flatMap((name) => datasetChange(name, live, folder))
  const equal = [settings, views, streams, datasets].every((changes) => changes.length === 0)
  return { equal, settings, views, streams, datasets }
}

function settingsOf({ description, spark, changelog }: ApplicationDefinition): Fields {
  return {
    description,
    'spark.cores': spark.cores,
    'spark.memory': spark.memory,
    'spark.executors': spark.executors ?? 1,
    'spark.executors_max': spark.executorsMax,
    'spark.shuffle_partitions': spark.shufflePartitions,
    'changelog.partitions': changelog.partitions,
  }
}

function viewChange(view: string, live: ReleaseDefinition, folder: FolderState): ViewChange[] {
  const [old, now] = [live.views[view], folder.definition.views[view]]
  const fieldsOf = (of: typeof now): Fields =>
    of
      ? {
          key: of.key,
          time: of.time,
          ranked: of.ranked,
          retain: of.retainMs === undefined ? undefined : formatDuration(of.retainMs),
          delete_when: of.deleteWhen,
        }
      : {}
  const fields = fieldChanges(fieldsOf(old), fieldsOf(now))
  const file = (now ?? old)?.file ?? view
  const diff = sqlDiff(file, old?.sql ?? null, now?.sql ?? null)
  const analysed = folder.columns?.[view]
  const columns = old && analysed ? columnChanges(old.columns, analysed) : undefined
  const change = changeOf(old, now)
  if (change === 'changed' && !diff && fields.length === 0 && !columns?.length) return []
  return [
    {
      view,
      change,
      fields,
      ...(diff === undefined ? {} : { sql_diff: diff }),
      ...(columns === undefined ? {} : { columns }),
    },
  ]
}

function streamChange(
  stream: string,
  live: ReleaseDefinition,
  folder: FolderState,
): StreamChange[] {
  const [old, now] = [live.sources[stream], folder.sources[stream]]
  const fieldsOf = (source: StreamSource | undefined): Fields =>
    source
      ? {
          topic: source.topic,
          lateness: source.latenessMs,
          event_time: source.eventTime,
          earliness: source.earlinessMs,
          import_disorder_max: source.importDisorderMaxMs,
        }
      : {}
  const fields = fieldChanges(fieldsOf(old), fieldsOf(now))
  const contract = old && now ? contractChange(old, now) : undefined
  const change = changeOf(old, now)
  if (change === 'changed' && fields.length === 0 && contract === undefined) return []
  return [{ stream, change, fields, ...(contract === undefined ? {} : { contract }) }]
}

function contractChange(old: StreamSource, now: StreamSource): ContractChange | undefined {
  // The schema that a release decodes to is one of those that it decodes.
  const reader = ({ versions, readerSchema }: StreamSource) =>
    versions.find(({ schema }) => schema === readerSchema)?.schemaId ?? 0
  const versions = (source: StreamSource) => source.versions.map(({ schemaId }) => schemaId)
  const without = <T>(all: readonly T[], others: readonly T[]) =>
    all.filter((one) => !others.includes(one))
  const change = {
    old_schema_id: reader(old),
    new_schema_id: reader(now),
    columns_added: without(now.columns, old.columns),
    columns_removed: without(old.columns, now.columns),
    versions_added: without(versions(now), versions(old)),
    versions_removed: without(versions(old), versions(now)),
  }
  const isSame =
    change.old_schema_id === change.new_schema_id &&
    change.versions_added.length + change.versions_removed.length === 0
  return isSame ? undefined : change
}

function datasetChange(
  dataset: string,
  live: ReleaseDefinition,
  folder: FolderState,
): DatasetChange[] {
  const [old, now] = [live.datasets[dataset], folder.definition.datasets[dataset]]
  const fieldsOf = (of: typeof now, sha256: string | undefined): Fields =>
    of
      ? { format: of.format, path: of.path, schema: of.schema, null_value: of.nullValue, sha256 }
      : {}
  const fields = fieldChanges(
    fieldsOf(old, live.pinned[dataset]?.sha256),
    fieldsOf(now, folder.sha256[dataset]),
  )
  return fields.length === 0 ? [] : [{ dataset, change: changeOf(old, now), fields }]
}

function changeOf(old: unknown, now: unknown): Change {
  return old === undefined ? 'added' : now === undefined ? 'removed' : 'changed'
}

function fieldChanges(old: Fields, now: Fields): FieldChange[] {
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .map((field) => ({ field, old: plain(old[field]), new: plain(now[field]) }))
    .filter((change) => JSON.stringify(change.old) !== JSON.stringify(change.new))
}

function plain(value: Fields[string]): FieldChange['old'] {
  return value === undefined ? null : typeof value === 'object' && value ? [...value] : value
}
