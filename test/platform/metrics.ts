import assert from 'node:assert/strict'
import { type Component, readMetricsTable } from '@kappa/observability/metrics-table'

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

interface Exported {
  /** By name. */
  readonly types: ReadonlyMap<string, string>
  readonly samples: readonly Sample[]
}

export async function readMetrics(url: string): Promise<Exported> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const types = new Map<string, string>()
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    const [, typed, type] = /^# TYPE (\w+) (\w+)$/.exec(line) ?? []
    if (typed && type) types.set(typed, type)
    const [, name, labels = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? []
    if (!name || line.startsWith('#')) continue
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
    samples.push({ name, labels: Object.fromEntries(pairs.map(([, key, value]) => [key, value])) })
  }
  return { types, samples }
}

/** A service exports what METRICS.md says, and METRICS.md says what it exports. */
export async function assertDocumented(component: Component, url: string): Promise<void> {
  const table = (await readMetricsTable()).filter((each) => each.components.includes(component))
  const { types, samples } = await readMetrics(url)
  assert.deepEqual(
    Object.fromEntries([...types].sort()),
    Object.fromEntries(table.map(({ name, type }) => [name, type] as const).sort()),
    component,
  )
  for (const { name, labels } of samples) {
    const metric = table.find((each) => each.name === name.replace(suffixOf(name, types), ''))
    assert.ok(metric, name)
    const { component: own, le: _, ...rest } = labels
    assert.equal(own, component)
    assert.deepEqual(Object.keys(rest).sort(), metric.labels, name)
  }
}

function suffixOf(name: string, types: ReadonlyMap<string, string>): RegExp | string {
  return types.has(name) ? '' : /_(bucket|sum|count)$/
}
