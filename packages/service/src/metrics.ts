import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export { Counter, Gauge, Histogram, Registry }

/** Of Kappa, as in package.json. */
export const version = '0.1.0'

/** Gauges that prom-client names like counters, and what its `active_resources` has taken the place of. */
const misnamed = ['resources_total', 'handles', 'handles_total', 'requests', 'requests_total']

/** A registry of its own for each service instance, so that several can live in one process. */
export function createMetrics(component: string): Registry {
  const registry = new Registry()
  // Not `service`, nor any other name that Prometheus gives its targets in Kubernetes.
  registry.setDefaultLabels({ component })
  collectDefaultMetrics({
    register: registry,
    prefix: 'kappa_',
    // The default of 10 wakes an idle process a hundred times a second.
    eventLoopMonitoringPrecision: 1_000,
  })
  for (const name of misnamed) registry.removeSingleMetric(`kappa_nodejs_active_${name}`)
  new Gauge({
    name: 'kappa_build_info',
    help: 'Which version runs; always 1.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1)
  return registry
}

interface ReadMetric<Label extends string> {
  readonly type: 'gauge' | 'counter'
  readonly name: string
  readonly help: string
  readonly labelNames: readonly Label[]
}

type Setter<Label extends string> = (
  labels: Readonly<Record<Label, string | number>>,
  value: number,
) => void

type Setters<Metrics> = {
  readonly [Key in keyof Metrics]: Metrics[Key] extends ReadMetric<infer Label>
    ? Setter<Label>
    : never
}

/**
 * Metrics that are read off the state of things whenever they are asked for: it costs nothing until
 * then, and what is not there any more has no series. Before any of them is exported, all are emptied
 * and `read` is called, which sets those that there are, at once.
 */
export function readMetrics<Metrics extends Readonly<Record<string, ReadMetric<string>>>>(
  registry: Registry,
  metrics: Metrics,
  read: (set: Setters<Metrics>) => void,
): void {
  const made: (Gauge<string> | Counter<string>)[] = []
  const setters: Record<string, Setter<string>> = {}
  for (const [key, { type, name, help, labelNames }] of Object.entries(metrics)) {
    const isFirst = made.length === 0
    const settings = {
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      ...(isFirst ? { collect } : {}),
    }
    if (type === 'gauge') {
      const gauge = new Gauge(settings)
      setters[key] = (labels, value) => gauge.set(labels, value)
      made.push(gauge)
    } else {
      const counter = new Counter(settings)
      setters[key] = (labels, value) => counter.inc(labels, value)
      made.push(counter)
    }
  }

  // The registry exports in the order of registration: the first one's turn is before all others'.
  function collect() {
    for (const metric of made) metric.reset()
    read(setters as Setters<Metrics>)
  }
}

export function gauge<Label extends string = never>(
  name: string,
  help: string,
  labelNames: readonly Label[] = [],
): ReadMetric<Label> {
  return { type: 'gauge', name, help, labelNames }
}

/** For counts that are kept elsewhere, and only grow there. */
export function counter<Label extends string = never>(
  name: string,
  help: string,
  labelNames: readonly Label[] = [],
): ReadMetric<Label> {
  return { type: 'counter', name, help, labelNames }
}

/**
 * The newest answer of `ask`, without waiting for it: when it is older than `ageMsMax` it is asked for
 * again, and told the next time. undefined before the first answer, and after a failure.
 */
export function latest<T>(ask: () => Promise<T>, ageMsMax: number): () => T | undefined {
  let answer: T | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  return () => {
    if (performance.now() - askedAt > ageMsMax) {
      askedAt = performance.now()
      ask().then(
        (told) => {
          answer = told
        },
        () => {
          answer = undefined
        },
      )
    }
    return answer
  }
}
