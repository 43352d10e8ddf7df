import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { stringify } from 'yaml'
import { dashboards } from '../dashboards.ts'
import { readMetricsTable } from '../metrics-table.ts'
import { findPromtool } from './promtool.ts'
import { unknownNames } from './used-names.ts'

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly query: unknown }[] }
}

/** With what Grafana puts in for its variables. */
function queriesOf({ panels }: Dashboard): { title: string; expr: string }[] {
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      title,
      expr: expr
        .replaceAll('$__rate_interval', '1m')
        .replaceAll(/\$(namespace|application|release)/g, '.*'),
    })),
  )
}

const all = Object.entries(dashboards) as unknown as (readonly [string, Dashboard])[]

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

  test('Prometheus takes their queries', async (t) => {
    const promtool = await findPromtool()
    if (promtool === undefined) return t.skip('promtool is built with Go, which is not here')
    const folder = await mkdtemp(join(tmpdir(), 'kappa-queries-'))
    try {
      const queries = all.flatMap(([, dashboard]) => queriesOf(dashboard))
      const rules = queries.map(({ expr }, index) => ({ record: `query:${index}`, expr }))
      const file = join(folder, 'queries.yaml')
      await writeFile(file, stringify({ groups: [{ name: 'queries', rules }] }))
      assert.match(await promtool('check', 'rules', file), /SUCCESS/)
    } finally {
      await rm(folder, { recursive: true })
    }
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
