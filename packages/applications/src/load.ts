import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDuration } from '@kappa/contracts/duration'
import {
  type ApplicationDefinition,
  type DatasetDefinition,
  rankedColumnsMax,
  type StreamDefinition,
  undecodableEventsMaxByDefault,
  type ViewDefinition,
} from './definition.ts'
import { ApplicationError, type Problem } from './problems.ts'
import { checkSql } from './sql-check.ts'
import { YamlFile, type YamlSection } from './yaml-file.ts'

const identifier = /^[a-z][a-z0-9_]{0,62}$/
const applicationName = /^[a-z][a-z0-9-]{0,40}$/
const identifierRule = 'must be lower case letters, digits and underscores, and start with a letter'

/**
 * Reads `application.yaml` and `views/*.sql` of one application.
 * @throws ApplicationError with every problem, each with its file and line.
 */
export async function loadApplication(
  folder: string,
  name: string,
): Promise<ApplicationDefinition> {
  const text = await readFile(join(folder, name, 'application.yaml'), 'utf8').catch(
    (error: unknown) => {
      throw new ApplicationError(name, [
        { file: 'application.yaml', message: `cannot be read: ${error}` },
      ])
    },
  )
  const file = new YamlFile('application.yaml', text)
  const { root } = file
  root.only(['application', 'description', 'streams', 'datasets', 'views', 'spark', 'changelog'])
  if (root.text('application') !== name)
    root.reject('application', `must be "${name}", the folder's name`)
  if (!applicationName.test(name))
    root.reject('application', 'must be lower case letters, digits and dashes')
  const sqlProblems: Problem[] = []
  const definition: ApplicationDefinition = {
    application: name,
    description: root.text('description', name),
    streams: readEach(root.section('streams'), readStream),
    datasets: readEach(root.section('datasets'), readDataset),
    views: await readViews(root.section('views'), join(folder, name), sqlProblems),
    spark: readSparkSize(root.section('spark')),
    changelog: readChangelog(root.section('changelog')),
  }
  for (const [section, what] of [
    ['streams', 'stream'],
    ['views', 'view'],
  ] as const) {
    if (Object.keys(definition[section]).length === 0)
      root.reject(section, `must name at least one ${what}`)
  }
  for (const dataset of Object.keys(definition.datasets)) {
    if (dataset in definition.streams)
      root.reject('datasets', `names ${dataset}, which is a stream already`)
  }
  const problems = [...file.problems, ...sqlProblems]
  if (problems.length > 0) throw new ApplicationError(name, problems)
  return definition
}

/**
 * Names of the applications in a folder: its sub-folders that hold an `application.yaml`, or links to
 * such, which is what Kubernetes mounts.
 */
export async function listApplications(folder: string): Promise<string[]> {
  const names: string[] = []
  for (const name of await readdir(folder)) {
    if (name.startsWith('.')) continue
    const files: string[] = await readdir(join(folder, name)).catch(orNone('ENOTDIR'))
    if (files.includes('application.yaml')) names.push(name)
  }
  return names.sort()
}

function readEach<T>(section: YamlSection, read: (section: YamlSection) => T): Record<string, T> {
  const values: Record<string, T> = {}
  for (const key of section.keys()) {
    if (!identifier.test(key)) section.reject(key, identifierRule)
    values[key] = read(section.section(key))
  }
  return values
}

function readStream(section: YamlSection): StreamDefinition {
  section.only(['topic', 'lateness', 'undecodable_events_max'])
  return {
    topic: section.text('topic'),
    latenessMs: section.parsed('lateness', '1 hour', parseDuration, 0),
    undecodableEventsMax: section.integer('undecodable_events_max', {
      fallback: undecodableEventsMaxByDefault,
      min: 0,
      max: 1_000_000_000_000,
    }),
  }
}

function readDataset(section: YamlSection): DatasetDefinition {
  section.only(['format', 'path', 'schema', 'null_value'])
  const format = section.oneOf('format', ['csv', 'parquet'])
  const schema = format === 'csv' ? section.text('schema') : section.optionalText('schema')
  const nullValue = section.optionalText('null_value')
  const path = section.text('path')
  if (path.startsWith('/') || path.split('/').includes('..')) {
    section.reject('path', 'must stay inside the application folder, or be an s3a:// location')
  }
  return {
    format,
    path,
    ...(schema === undefined ? {} : { schema }),
    ...(nullValue === undefined ? {} : { nullValue }),
  }
}

async function readViews(
  section: YamlSection,
  folder: string,
  problems: Problem[],
): Promise<Record<string, ViewDefinition>> {
  const sqlFiles = await readSqlFiles(join(folder, 'views'))
  const views = readEach(section, (view) => {
    view.only(['key', 'time', 'ranked', 'retain', 'delete_when'])
    const time = view.optionalText('time')
    const deleteWhen = view.optionalText('delete_when')
    const key = view.texts('key')
    if (new Set(key).size !== key.length) view.reject('key', 'names a column twice')
    const ranked = view.has('ranked') ? view.texts('ranked') : undefined
    if (new Set(ranked).size !== (ranked?.length ?? 0))
      view.reject('ranked', 'names a column twice')
    if (ranked && ranked.length > rankedColumnsMax) {
      view.reject('ranked', `names more than ${rankedColumnsMax} columns`)
    }
    const retainMs = view.has('retain') ? view.parsed('retain', '', parseDuration, 1) : undefined
    if (retainMs === 0) view.reject('retain', 'is no time at all; leave it out to keep all rows')
    if (retainMs !== undefined && time === undefined) {
      view.reject('retain', 'needs `time`, the column that tells which rows are old')
    }
    return {
      key,
      ...(time === undefined ? {} : { time }),
      ...(ranked === undefined ? {} : { ranked }),
      ...(retainMs === undefined ? {} : { retainMs }),
      ...(deleteWhen === undefined ? {} : { deleteWhen }),
    }
  })
  const complete: Record<string, ViewDefinition> = {}
  for (const [name, view] of Object.entries(views)) {
    const file = `views/${name}.sql`
    const sql = sqlFiles.get(name)
    if (sql === undefined) {
      section.reject(name, `has no SQL: ${file} is missing`)
      continue
    }
    problems.push(...checkSql(file, sql))
    complete[name] = { ...view, sql, file }
  }
  for (const name of sqlFiles.keys()) {
    if (!(name in views))
      problems.push({
        file: `views/${name}.sql`,
        message: 'is not listed under views in application.yaml.',
      })
  }
  return complete
}

function orNone(code: string): (error: NodeJS.ErrnoException) => never[] {
  return (error) => {
    if (error.code === code) return []
    throw error
  }
}

async function readSqlFiles(folder: string): Promise<Map<string, string>> {
  const names: string[] = await readdir(folder).catch(orNone('ENOENT'))
  const files = new Map<string, string>()
  for (const name of names.filter((entry) => entry.endsWith('.sql'))) {
    files.set(name.slice(0, -'.sql'.length), await readFile(join(folder, name), 'utf8'))
  }
  return files
}

function readSparkSize(section: YamlSection) {
  section.only(['cores', 'memory', 'executors', 'executors_max', 'shuffle_partitions'])
  const memory = section.text('memory', '1g')
  if (!/^[1-9]\d{0,5}[mg]$/.test(memory))
    section.reject('memory', `is "${memory}"; it must be like 1536m or 4g`)
  const executors = section.integer('executors', { fallback: 1, min: 1, max: 1_024 })
  const executorsMax = section.has('executors_max')
    ? section.integer('executors_max', { fallback: executors, min: 1, max: 1_024 })
    : undefined
  if (executorsMax !== undefined && executorsMax < executors)
    section.reject(
      'executors_max',
      `is ${executorsMax}, less than executors, which is ${executors}`,
    )
  return {
    cores: section.integer('cores', { fallback: 2, min: 1, max: 1_024 }),
    memory,
    executors,
    ...(executorsMax === undefined ? {} : { executorsMax }),
    shufflePartitions: section.integer('shuffle_partitions', { fallback: 2, min: 1, max: 10_000 }),
  }
}

function readChangelog(section: YamlSection) {
  section.only(['partitions'])
  return { partitions: section.integer('partitions', { fallback: 2, min: 1, max: 1_024 }) }
}
