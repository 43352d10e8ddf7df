import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { appRoutes } from '@bull-board/api/dist/routes.js'
import { Health } from '@kappa/service/health'
import { createHttp, type Http } from '@kappa/service/http'
import { createLogger } from '@kappa/service/logger'
import { createMetrics } from '@kappa/service/metrics'
import { until } from '@kappa/test/until'
import { Type } from 'typebox'
import type { JobQueue } from '../jobs/job-queue.ts'
import { mountQueueBoard } from '../jobs/queue-board.ts'
import { HeldJobs, openQueue } from './jobs-fixture.ts'

const shop = { application: 'shop', release: 3 }
const name = 'replay-1'
const held = new HeldJobs()
const health = new Health()
let queue: JobQueue
let http: Http

before(async () => {
  queue = openQueue(`board-${randomUUID().slice(0, 8)}`, held.handler)
  http = await createHttp({
    title: 'Test',
    description: 'A service for tests',
    settings: {
      host: '127.0.0.1',
      port: 0,
      requestTimeoutMs: 5_000,
      bodyBytesMax: 1_024,
      connectionsMax: 100,
      stopDelayMs: 0,
      stopTimeoutMs: 1_000,
      logLevel: 'silent',
    },
    logger: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    health,
  })
  const body = Type.Object({ count: Type.Integer({ minimum: 1 }) })
  http.post('/things', { schema: { body } }, async (request) => ({ twice: request.body.count * 2 }))
  await mountQueueBoard(http, queue)
  await http.ready()
  await until(
    () => queue.healthy,
    (healthy) => healthy,
  )
  await queue.add('replay', shop, { id: 'good' })
  await queue.add('replay', shop, { id: 'bad' })
  await until(
    () => held.calls.length,
    (calls) => calls === 2,
  )
  held.end(1, new Error('the cluster is gone'))
  await until(
    () => queue.bull.getFailedCount(),
    (failed) => failed === 1,
  )
})
after(async () => {
  held.end(0)
  await queue.close()
  await http.close()
})

test('the page and what it loads are answered, and it may load nothing from elsewhere', async () => {
  for (const url of ['/queues', '/queues/', `/queues/queue/${name}`]) {
    const page = await http.inject(url)
    assert.equal(page.statusCode, 200, url)
    assert.match(page.headers['content-type'] as string, /^text\/html/)
    assert.match(page.body, /<base href="\/queues\/" \/>/)
    assert.match(page.body, /Kappa replay/)
    assert.match(page.headers['content-security-policy'] as string, /default-src 'self'/)
  }
  const page = await http.inject('/queues')
  const files = [...page.body.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(
    ([, file = '']) => file,
  )
  assert.ok(files.length >= 3)
  for (const file of files) {
    assert.equal((await http.inject(`/queues/${file}`)).statusCode, 200, file)
  }
})

test('jobs are listed with why they failed', async () => {
  const answer = await http.inject(`/queues/api/queues?activeQueue=${name}&status=failed`)
  assert.equal(answer.statusCode, 200)
  const [listed] = answer.json().queues
  assert.equal(listed.name, name)
  assert.equal(listed.readOnlyMode, true)
  assert.deepEqual([listed.counts.active, listed.counts.failed], [1, 1])
  assert.equal(listed.jobs[0].failedReason, 'the cluster is gone')
  const job = await http.inject(`/queues/api/queues/${name}/replay.shop.3.good`)
  assert.deepEqual(job.json().job.data, { kind: 'replay', ...shop, id: 'good' })
})

test('nothing can be changed', async () => {
  const changing = appRoutes.api.filter(({ method }) => method !== 'get')
  assert.ok(changing.length >= 20, String(changing.length))
  for (const { method, route } of changing) {
    const url = `/queues${route}`
      .replace(':queueName', name)
      .replace(':jobId', 'replay.shop.3.bad')
      .replace(/:queueStatus/, 'failed')
    const verb = String(method).toUpperCase() as 'PUT' | 'POST' | 'PATCH'
    const answer = await http.inject({ method: verb, url, payload: { name: 'x', data: {} } })
    assert.equal(answer.statusCode, 405, `${verb} ${url}`)
    assert.equal(answer.json().error.code, 'method_not_allowed')
  }
  assert.equal(await queue.bull.isPaused(), false)
  assert.deepEqual(await queue.bull.getJobCounts('active', 'failed', 'waiting'), {
    active: 1,
    failed: 1,
    waiting: 0,
  })
})

test('the rest of the service is as it was: validation, errors, OpenAPI, stopping', async () => {
  const wrong = await http.inject({ method: 'POST', url: '/things', payload: { count: 0 } })
  assert.equal(wrong.statusCode, 400)
  assert.equal(wrong.json().error.details[0].path, '/count')
  assert.equal((await http.inject('/nowhere')).json().error.code, 'not_found')
  assert.equal((await http.inject('/docs/')).statusCode, 200)
  const { paths } = (await http.inject('/openapi.json')).json()
  assert.deepEqual(
    Object.keys(paths).filter((path) => path.startsWith('/queues')),
    [],
  )
  health.markStopping()
  assert.equal((await http.inject('/queues')).headers.connection, 'close')
})
