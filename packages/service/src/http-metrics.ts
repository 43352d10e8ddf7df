import type { ErrorCode } from './errors.ts'
import type { Http } from './http-type.ts'
import { Counter, gauge, Histogram, type Registry, readMetrics } from './metrics.ts'

/** Rate, errors and duration of every route, by its pattern (never by its URL, which has no bound). */
export function measureRequests(http: Http, registry: Registry): void {
  const seconds = new Histogram({
    name: 'kappa_http_request_duration_seconds',
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
  readConnections(http, registry)
}

function readConnections(http: Http, registry: Registry): void {
  let open = 0
  http.server.on('connection', (socket) => {
    open += 1
    socket.once('close', () => {
      open -= 1
    })
  })
  readMetrics(
    registry,
    {
      open: gauge('kappa_http_connections', 'Connections that are open.'),
      max: gauge('kappa_http_connections_max', 'More than these are closed as they come.'),
    },
    (set) => {
      set.open({}, open)
      set.max({}, http.server.maxConnections)
    },
  )
}

/** Error answers by their stable code: its number of values is that of the catalogue. */
export function countErrors(registry: Registry): (code: ErrorCode) => void {
  const errors = new Counter({
    name: 'kappa_http_error_answers_total',
    help: 'Answers that were errors, by their code.',
    labelNames: ['code'],
    registers: [registry],
  })
  return (code) => errors.inc({ code })
}
