import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { parse } from 'yaml'
import { type DocumentedMetric, readMetricsTable } from '../metrics-table.ts'
import { unknownNames } from './used-names.ts'

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string; readonly promise: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}

interface UnitTests {
  readonly tests: readonly {
    readonly promql_expr_test: readonly { readonly exp_samples: readonly { labels: string }[] }[]
  }[]
}

const folder = join(import.meta.dirname, '..')
const text = (file: string) => readFile(join(folder, file), 'utf8')

describe('alerts', () => {
  let alerts: readonly Alert[]
  let table: readonly DocumentedMetric[]

  before(async () => {
    const { groups } = parse(await text('alerts.yaml')) as { groups: { rules: Alert[] }[] }
    alerts = groups.flatMap(({ rules }) => rules)
    table = await readMetricsTable()
  })

  test('each says what is wrong, what to do, and whose night it is worth', () => {
    for (const { alert, annotations, labels } of alerts) {
      assert.match(labels.severity, /^(page|ticket)$/, alert)
      assert.match(labels.promise, /^P[1-8]$/, alert)
      assert.ok(annotations.summary.length > 10 && annotations.description.length > 60, alert)
    }
  })

  test('no promise can be broken without a page', () => {
    const pages = alerts.filter(({ labels }) => labels.severity === 'page')
    const promises = new Set(pages.map(({ labels }) => labels.promise))
    assert.deepEqual([...promises].sort(), ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8'])
  })

  test('each uses metrics and labels that the services export', () => {
    for (const { alert, expr } of alerts) assert.deepEqual(unknownNames(expr, table), [], alert)
  })

  test('each was seen to fire', async () => {
    const { tests } = parse(await text('alerts.test.yaml')) as UnitTests
    const fired = tests
      .flatMap((each) => each.promql_expr_test.flatMap(({ exp_samples }) => exp_samples))
      .map(({ labels }) => /alertname="(\w+)"/.exec(labels)?.[1])
    const names = new Set(alerts.map(({ alert }) => alert))
    assert.deepEqual(
      [...names].filter((name) => !fired.includes(name)),
      [],
    )
  })
})
