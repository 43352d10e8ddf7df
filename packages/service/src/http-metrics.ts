import type { Http } from './http-type.ts'
import { Histogram, type Registry } from './metrics.ts'

/** Rate, errors and duration of every route, by its pattern (never by its URL, which has no bound). */
export function measureRequests(http: Http, registry: Registry): void {
  const seconds = new Histogram({
    name: 'kappa_http_request_seconds',
    help: 'Time from the head of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  })
  // Looking labels up costs more than the observation.
  const series = new Map<string, ReturnType<typeof seconds.labels>>()
  http.addHook('onResponse', (request, reply, done) => {
    const { method } = request
    const { url: route = 'unknown' } = request.routeOptions
    const key = `${method} ${reply.statusCode} ${route}`
    let one = series.get(key)
    if (one === undefined) {
      one = seconds.labels({ method, route, status: reply.statusCode })
      series.set(key, one)
    }
    one.observe(reply.elapsedTime / 1_000)
    done()
  })
}
