import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readMetricsTable } from '../metrics-table.ts'
import { allDashboards as all, queriesOf } from './dashboard-queries.ts'
import { unknownNames } from './used-names.ts'

describe('dashboards', () => {
  test('their files are as they are written down: npm run dashboards', async () => {
    for (const [name, dashboard] of all) {
      const file = join(import.meta.dirname, '..', 'dashboards', `${name}.json`)
      assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), dashboard, name)
    }
  })

  test('they use metrics and labels that the services export', async () => {
    const table = await readMetricsTable()
    for (const [name, dashboard] of all) {
      for (const { title, expr } of queriesOf(dashboard))
        assert.deepEqual(unknownNames(expr, table), [], `${name}: ${title}`)
      const variables = JSON.stringify(dashboard.templating)
      for (const metric of variables.match(/kappa_\w+/g) ?? [])
        assert.deepEqual(unknownNames(metric, table), [], name)
    }
  })

  test('every metric is on one of them, or it is one of the process', async () => {
    const shown = all.flatMap(([, dashboard]) => queriesOf(dashboard).map(({ expr }) => expr))
    const isShown = (name: string) =>
      shown.some((expr) => expr.includes(name) || matchesNamePattern(expr, name))
    const missing = (await readMetricsTable())
      .map(({ name }) => name)
      .filter((name) => !/^kappa_(process|nodejs)_/.test(name) && !isShown(name))
    assert.deepEqual(missing, notShown)
  })
})

/** Figures for when another one has made one look. */
const notShown = [
  'kappa_ingest_requests_waiting',
  'kappa_results_loaded_releases',
  'kappa_results_refused_positions_total',
  'kappa_results_unusable_control_records_total',
  'kappa_redis_memory_max_bytes',
]

function matchesNamePattern(expr: string, name: string): boolean {
  const pattern = /__name__=~"([^"]+)"/.exec(expr)?.[1]
  return pattern !== undefined && new RegExp(`^(?:${pattern})$`).test(name)
}
