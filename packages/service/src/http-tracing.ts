import type { FastifyRequest } from 'fastify'
import type { Http } from './http-type.ts'
import type { Span, Tracing } from './tracing.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the request, while tracing is on. */
    span?: Span
  }
}

/** Asked every few seconds by machines. */
const untraced = /^\/(health|metrics)/

/** A span for each request, below that of the client if it sent its own. Nothing at all without tracing. */
export function traceRequests(http: Http, tracing: Tracing | undefined): void {
  if (tracing === undefined) return
  http.addHook('onRequest', (request, _reply, done) => {
    const { url: route = 'unknown' } = request.routeOptions
    if (!untraced.test(route)) request.span = begin(tracing, request, route)
    done()
  })
  http.addHook('onResponse', ({ span }, { statusCode }, done) => {
    span?.set({ 'http.response.status_code': statusCode })
    if (statusCode >= 500) span?.fail()
    span?.end()
    done()
  })
}

function begin(tracing: Tracing, request: FastifyRequest, route: string): Span {
  const { traceparent } = request.headers
  return tracing.span(`${request.method} ${route}`, {
    kind: 'server',
    parent: typeof traceparent === 'string' ? traceparent : undefined,
    attributes: {
      'http.request.method': request.method,
      'http.route': route,
      // Without the query: it may hold what nobody wants in traces.
      'url.path': request.url.split('?', 1)[0] ?? '',
    },
  })
}
