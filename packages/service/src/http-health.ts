import type { Health } from './health.ts'
import type { Http } from './http-type.ts'
import type { Registry } from './metrics.ts'

export function healthRoutes(http: Http, health: Health, metrics: Registry): void {
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
