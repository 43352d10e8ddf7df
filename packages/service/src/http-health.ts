import type { Health } from './health.ts'
import type { Http } from './http-type.ts'
import { gauge, type Registry, readMetrics } from './metrics.ts'

export function healthRoutes(http: Http, health: Health, metrics: Registry): void {
  readMetrics(
    metrics,
    {
      ready: gauge('kappa_ready', 'Whether /health/ready says so: 1 or 0.'),
      part: gauge('kappa_part_ready', 'The same of each part that has a say in it.', ['part']),
    },
    (set) => {
      const reasons = health.reasons()
      set.ready({}, Object.keys(reasons).length === 0 ? 1 : 0)
      for (const part of health.parts()) set.part({ part }, part in reasons ? 0 : 1)
    },
  )
  const hidden = { schema: { hide: true } }
  http.get('/health/live', hidden, async () => ({ status: 'live' }))
  http.get('/health/ready', hidden, async (_request, reply) => {
    const reasons = health.reasons()
    const ready = Object.keys(reasons).length === 0
    return reply
      .status(ready ? 200 : 503)
      .send(ready ? { status: 'ready' } : { status: 'not ready', reasons })
  })
  http.get('/metrics', hidden, async (_request, reply) => {
    const text = await metrics.metrics()
    return reply.type(metrics.contentType).send(text)
  })
}
