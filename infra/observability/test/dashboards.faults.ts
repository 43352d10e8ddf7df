import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { stringify } from 'yaml'
import { allDashboards, queriesOf } from './dashboard-queries.ts'
import { findPromtool } from './promtool.ts'

/** Beside the alerts', for the same reason: promtool takes minutes to be built. */
test('Prometheus takes their queries', async (t) => {
  const promtool = await findPromtool()
  if (promtool === undefined) return t.skip('promtool is built with Go, which is not here')
  const folder = await mkdtemp(join(tmpdir(), 'kappa-queries-'))
  try {
    const queries = allDashboards.flatMap(([, dashboard]) => queriesOf(dashboard))
    const rules = queries.map(({ expr }, index) => ({ record: `query:${index}`, expr }))
    const file = join(folder, 'queries.yaml')
    await writeFile(file, stringify({ groups: [{ name: 'queries', rules }] }))
    assert.match(await promtool('check', 'rules', file), /SUCCESS/)
  } finally {
    await rm(folder, { recursive: true })
  }
})
