import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { ConfigError } from '@kappa/service/config'
import { ServiceError } from '@kappa/service/errors'
import { Health } from '@kappa/service/health'
import { closeHttp, createHttp, type Http, listen } from '@kappa/service/http'
import { createLogger } from '@kappa/service/logger'
import { createMetrics } from '@kappa/service/metrics'
import { Type } from 'typebox'

const settings = {
  host: '127.0.0.1',
  port: 0,
  requestTimeoutMs: 5_000,
  bodyBytesMax: 1_024,
  connectionsMax: 100,
  stopDelayMs: 0,
  stopTimeoutMs: 1_000,
  logLevel: 'silent',
} as const

async function testHttp(
  health = new Health(),
  more: { readonly corsOrigins?: readonly string[] } = {},
): Promise<Http> {
  const http = await createHttp({
    title: 'Test',
    description: 'A service for tests',
    settings: { ...settings, ...more },
    logger: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    health,
  })
  const body = Type.Object({ count: Type.Integer({ minimum: 1 }) })
  http.post('/things', { schema: { body } }, async (request) => ({ twice: request.body.count * 2 }))
  http.get('/busy', async () => {
    throw new ServiceError('too_many_requests', 'Only 3 requests may be in flight.', {
      retryAfterSeconds: 2,
    })
  })
  http.get('/broken', async () => {
    throw new Error('secret inside')
  })
  return http
}

test('a request that fits its schema is answered, one that does not is told where', async () => {
  const http = await testHttp()
  const good = await http.inject({ method: 'POST', url: '/things', payload: { count: 2 } })
  assert.deepEqual(good.json(), { twice: 4 })
  const bad = await http.inject({ method: 'POST', url: '/things', payload: { count: 0 } })
  assert.equal(bad.statusCode, 400)
  assert.equal(bad.json().error.code, 'bad_request')
  assert.equal(bad.json().error.details[0].path, '/count')
  await http.close()
})

test('errors have a code, a status and Retry-After, and the inside stays inside', async () => {
  const http = await testHttp()
  const busy = await http.inject('/busy')
  assert.equal(busy.statusCode, 429)
  assert.equal(busy.headers['retry-after'], '2')
  const broken = await http.inject('/broken')
  assert.equal(broken.statusCode, 500)
  assert.equal(broken.json().error.code, 'internal')
  assert.ok(!broken.body.includes('secret inside'))
  const nowhere = await http.inject('/nowhere')
  assert.equal(nowhere.json().error.code, 'not_found')
  const malformed = await http.inject({
    method: 'POST',
    url: '/things',
    headers: { 'content-type': 'application/json' },
    payload: '{"count":',
  })
  assert.equal(malformed.json().error.code, 'malformed_json')
  const large = await http.inject({
    method: 'POST',
    url: '/things',
    payload: { count: 'x'.repeat(2_000) },
  })
  assert.equal(large.statusCode, 413)
  await http.close()
})

test('readiness names the part that is not ready, and stopping ends readiness', async () => {
  const health = new Health()
  let reason: string | undefined = 'no broker answers'
  health.addCheck('kafka', () => reason)
  const http = await testHttp(health)
  const notReady = await http.inject('/health/ready')
  assert.equal(notReady.statusCode, 503)
  assert.deepEqual(notReady.json().reasons, { kafka: 'no broker answers' })
  reason = undefined
  assert.equal((await http.inject('/health/ready')).statusCode, 200)
  health.markStopping()
  assert.equal((await http.inject('/health/ready')).statusCode, 503)
  assert.equal((await http.inject('/health/live')).statusCode, 200)
  await http.close()
})

test('the OpenAPI document has the routes and hides the inner ones; metrics count by route', async () => {
  const http = await testHttp()
  const url = await listen(http, settings)
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: object }
  assert.deepEqual(Object.keys(document.paths).sort(), ['/broken', '/busy', '/things'])
  assert.equal((await fetch(`${url}/docs`)).status, 200)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  assert.match(metrics, /kappa_http_request_duration_seconds_count\{[^}]*route="\/openapi.json"/)
  await closeHttp(http, new Health(), settings)
})

test('an address that cannot be listened on is named, with the variable to change', async () => {
  const holder = await testHttp()
  const url = await listen(holder, settings)
  const port = Number(new URL(url).port)
  const refusal = async (changes: object): Promise<string> => {
    const http = await testHttp()
    const error: unknown = await listen(http, { ...settings, ...changes }).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    await http.close()
    assert.ok(error instanceof ConfigError)
    return error.message
  }
  const taken = await refusal({ port })
  assert.match(taken, new RegExp(`another program listens on 127\\.0\\.0\\.1:${port};`))
  assert.match(taken, /set KAPPA_HTTP_PORT to a free port/)
  assert.equal((await fetch(`${url}/health/live`)).status, 200, 'the holder is not disturbed')
  // TEST-NET-1 of RFC 5737 is no machine's address.
  assert.match(await refusal({ host: '192.0.2.1' }), /KAPPA_HTTP_HOST is 192\.0\.2\.1/)
  await closeHttp(holder, new Health(), settings)
})

test('what is no request is answered in the shape of every error, and the connection closed', async () => {
  const http = await testHttp()
  const url = new URL(await listen(http, settings))
  const say = async (text: string) => {
    const socket = connect(Number(url.port), url.hostname)
    socket.write(text)
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n')
    return [head.split(' ')[1], JSON.parse(body).error.code]
  }
  const large = `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`
  assert.deepEqual(await say(large), ['431', 'headers_too_large'])
  assert.deepEqual(await say('hello\r\n\r\n'), ['400', 'bad_request'])
  await closeHttp(http, new Health(), settings)
})

test('only pages of the origins that are named may read answers', async () => {
  const closed = await testHttp()
  const open = await testHttp(new Health(), { corsOrigins: ['https://app.example'] })
  const ask = (http: Http, origin: string) =>
    http.inject({ method: 'GET', url: '/health/live', headers: { origin } })
  const header = 'access-control-allow-origin'
  assert.equal((await ask(closed, 'https://app.example')).headers[header], undefined)
  assert.notEqual((await ask(open, 'https://evil.example')).headers[header], 'https://evil.example')
  const allowed = await ask(open, 'https://app.example')
  assert.equal(allowed.headers[header], 'https://app.example')
  assert.match(String(allowed.headers['access-control-expose-headers']), /kappa-position/)
  await Promise.all([closed.close(), open.close()])
})
