import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { valuesTable, withComments } from './values-file.ts'

const root = join(import.meta.dirname, '..', '..')
export const chartFolder = join(root, 'charts', 'kappa')
const observabilityFolder = join(root, 'infra', 'observability')
const table = /(<!-- values -->\n)[\s\S]*(<!-- \/values -->)/

/**
 * What of the chart is generated, by the path in its folder: comments and a table from the schema, and
 * copies of what a chart cannot reach, because it lies outside of its folder.
 */
export function chartFiles(): Record<string, string> {
  const schema = JSON.parse(read(chartFolder, 'values.schema.json'))
  const values = read(chartFolder, 'values.yaml')
  const dashboards = readdirSync(join(observabilityFolder, 'dashboards'))
  return {
    'values.yaml': withComments(values, schema),
    'README.md': read(chartFolder, 'README.md').replace(
      table,
      (_all, begin: string, end: string) => `${begin}\n${valuesTable(values, schema)}\n\n${end}`,
    ),
    'files/alerts.yaml': read(observabilityFolder, 'alerts.yaml'),
    ...Object.fromEntries(
      dashboards.map((name) => [
        `files/dashboards/${name}`,
        read(observabilityFolder, 'dashboards', name),
      ]),
    ),
  }
}

function read(...path: readonly string[]): string {
  return readFileSync(join(...path), 'utf8')
}
