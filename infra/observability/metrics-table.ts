import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export type Component = (typeof components)[number]

const components = ['ingest', 'replay', 'results'] as const

export interface DocumentedMetric {
  readonly name: string
  readonly type: string
  /** Without `component`, and `le` of histograms. */
  readonly labels: readonly string[]
  readonly components: readonly Component[]
}

/** The table of METRICS.md; the title of each part of it says whose metrics they are. */
export async function readMetricsTable(): Promise<readonly DocumentedMetric[]> {
  const text = await readFile(join(import.meta.dirname, 'METRICS.md'), 'utf8')
  const metrics: DocumentedMetric[] = []
  let of: readonly Component[] = []
  for (const line of text.split('\n')) {
    const title = /^## (.*)$/.exec(line)?.[1]?.toLowerCase()
    if (title !== undefined) {
      const isOfAll = title.includes('every service')
      of = components.filter((component) => isOfAll || title.includes(component))
    }
    const cells = /^\| `(kappa_\w+)` \|([^|]*)\|([^|]*)\|/.exec(line)
    if (cells === null) continue
    const [, name = '', type = '', labels = ''] = cells
    const names = labels.split(',').map((label) => label.trim())
    metrics.push({
      name,
      type: type.trim(),
      labels: names.filter((label) => label !== '').sort(),
      components: of,
    })
  }
  return metrics
}
