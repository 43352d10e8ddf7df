import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')
const topics = ['flights.departures', 'flights.arrivals']

export interface FlightsCopy {
  readonly applicationsFolder: string
  readonly schemasFolder: string
  /** The copy's name of a topic. */
  readonly topic: (name: string) => string
  /** Writes a file of the application's folder. */
  readonly write: (file: string, content: string) => void
  readonly remove: (file: string) => void
}

/**
 * The example application as it is in the repository, on topics of its own, so that runs on one
 * Kafka do not see each other's events.
 */
export function copyFlights(
  folder: string,
  prefix: string,
  options: { importDisorderMax?: string } = {},
): FlightsCopy {
  const applicationsFolder = join(folder, 'applications')
  const schemasFolder = join(folder, 'schemas')
  const topic = (name: string) => `${prefix}.${name}`
  mkdirSync(folder, { recursive: true })
  cpSync(join(root, 'applications', 'flights'), join(applicationsFolder, 'flights'), {
    recursive: true,
    filter: (source) => !/node_modules|test|sample/.test(source.slice(root.length)),
  })
  for (const name of topics) {
    const schemas = join(schemasFolder, topic(name))
    cpSync(join(root, 'schemas', name), schemas, { recursive: true })
    if (options.importDisorderMax === undefined) continue
    const settings = join(schemas, 'topic.yaml')
    const yaml = readFileSync(settings, 'utf8').replace(/^import_disorder_max:.*\n/m, '')
    writeFileSync(settings, `${yaml}import_disorder_max: ${options.importDisorderMax}\n`)
  }
  const file = join(applicationsFolder, 'flights', 'application.yaml')
  let yaml = readFileSync(file, 'utf8')
  for (const name of topics) yaml = yaml.replaceAll(`topic: ${name}`, `topic: ${topic(name)}`)
  writeFileSync(file, yaml)
  const write = (name: string, content: string) => {
    const path = join(applicationsFolder, 'flights', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
  }
  const remove = (name: string) => rmSync(join(applicationsFolder, 'flights', name))
  return { applicationsFolder, schemasFolder, topic, write, remove }
}

/** Takes all other views away, for tests in which five would only take longer. */
export function keepViews(copy: FlightsCopy, names: readonly string[]): void {
  const folder = join(copy.applicationsFolder, 'flights')
  const file = join(folder, 'application.yaml')
  let lines = readFileSync(file, 'utf8').split('\n')
  for (const sql of readdirSync(join(folder, 'views'))) {
    const name = sql.replace(/\.sql$/, '')
    if (names.includes(name)) continue
    rmSync(join(folder, 'views', sql))
    lines = lines.filter((line) => !line.startsWith(`  ${name}:`))
  }
  writeFileSync(file, lines.join('\n'))
}
