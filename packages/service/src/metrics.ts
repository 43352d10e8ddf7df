import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export { Counter, Gauge, Histogram, Registry }

/** A registry of its own for each service instance, so that several can live in one process. */
export function createMetrics(service: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({
    register: registry,
    prefix: 'kappa_',
    // The default of 10 wakes an idle process a hundred times a second.
    eventLoopMonitoringPrecision: 1_000,
  })
  return registry
}
