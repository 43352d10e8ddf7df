import type { DocumentedMetric } from '../metrics-table.ts'

/** Labels that Prometheus gives to what it scrapes, and `le` of histograms. */
const labelsOfTargets = ['namespace', 'instance', 'job', 'pod', 'component', 'le']
/** Of Prometheus' own series about alerts. */
const labelsOfAlerts = ['alertname', 'alertstate', 'severity', 'promise']

/**
 * What an expression uses and the table does not have: metrics, labels of a metric, labels that no
 * metric has.
 */
export function unknownNames(expr: string, table: readonly DocumentedMetric[]): string[] {
  const problems: string[] = []
  const known = new Map(table.map((metric) => [metric.name, metric]))
  const find = (name: string) => {
    const [, base = '', suffix] = /^(.*?)(_bucket|_sum|_count)?$/.exec(name) ?? []
    const histogram = known.get(base)
    return suffix && histogram?.type === 'histogram' ? histogram : known.get(name)
  }
  // A name given as an expression stands for each that it matches, and must match one a choice.
  const names = /\{__name__=~"(\w+)\(([\w|]+)\)"/g
  for (const [, prefix = '', choices = ''] of expr.matchAll(names)) {
    for (const choice of choices.split('|')) {
      if (!find(prefix + choice)) problems.push(`no metric ${prefix}${choice}`)
    }
  }
  const rest = expr.replaceAll(names, '{')
  for (const [, name = '', , matchers = ''] of rest.matchAll(/\b(kappa_\w+)\b(\{([^}]*)\})?/g)) {
    const metric = find(name)
    if (metric === undefined) {
      problems.push(`no metric ${name}`)
      continue
    }
    for (const [, label = ''] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)) {
      if (![...metric.labels, ...labelsOfTargets].includes(label))
        problems.push(`${name} has no label ${label}`)
    }
  }
  const labels = new Set([...table.flatMap((metric) => metric.labels), ...labelsOfTargets])
  if (/\bALERTS\b/.test(expr)) for (const label of labelsOfAlerts) labels.add(label)
  for (const [, list = ''] of rest.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)) {
    for (const label of list.split(',').map((each) => each.trim())) {
      if (label !== '' && !labels.has(label)) problems.push(`no metric has a label ${label}`)
    }
  }
  return problems
}
