import assert from 'node:assert/strict'
import { Agent, request as httpRequest } from 'node:http'
import { after, before, test } from 'node:test'
import { until } from '@kappa/test/until'
import { type Delay, delay, TestIngest } from './fixture.ts'

const floodRequests = 200
const floodEvents = 200

let ingest: TestIngest
before(async () => {
  ingest = await TestIngest.start(['turns', 'bounds'], {
    environment: {
      KAPPA_INGEST_TURN_BYTES_MAX: '10000',
      KAPPA_INGEST_CLIENT_REQUESTS_IN_FLIGHT_MAX: `${floodRequests}`,
      KAPPA_INGEST_REQUESTS_IN_FLIGHT_MAX: `${floodRequests + 10}`,
    },
  })
})
after(() => ingest.stop())

/** A client on an address of its own, as its peer sees it. */
function client(localAddress: string) {
  const agent = new Agent({ localAddress, keepAlive: true, maxSockets: 1_000 })
  return (label: string, events: readonly Delay[]) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const url = `${ingest.url}/v1/topics/${ingest.topic(label)}/events`
      const headers = { 'content-type': 'application/json' }
      const request = httpRequest(url, { method: 'POST', headers, agent }, async (response) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk as Buffer)
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
      })
      request.on('error', reject).end(JSON.stringify(events))
    })
}

test('a client that floods does not starve another: its queue is not in front of the other', async () => {
  const flood = client('127.0.0.2')
  const small = client('127.0.0.3')
  // With connections that are open, what is sent together arrives together, the small one last.
  const greetings = Array.from({ length: floodRequests }, () => flood('turns', [delay()]))
  await Promise.all([...greetings, small('turns', [delay()])])
  const done: number[] = []
  const flooding = Array.from({ length: floodRequests }, async (_, n) => {
    const events = Array.from({ length: floodEvents }, () => delay())
    const { status } = await flood('turns', events)
    assert.equal(status, 200)
    done.push(n)
  })
  const { status } = await small('turns', [delay()])
  const before = done.length
  await Promise.all(flooding)
  assert.equal(status, 200)
  assert.ok(before < floodRequests / 3, `${before} of ${floodRequests} floods went before it`)
})

test('the bound of one client is 429 for it alone, and says so', async () => {
  const flood = client('127.0.0.2')
  const small = client('127.0.0.3')
  const held = Array.from({ length: floodRequests }, () => {
    const { hostname, port } = new URL(ingest.url)
    const path = `/v1/topics/${ingest.topic('bounds')}/events`
    const headers = { 'content-type': 'application/json', 'content-length': 1_000 }
    const options = { hostname, port, path, method: 'POST', headers, localAddress: '127.0.0.2' }
    const request = httpRequest(options)
    request.on('error', () => undefined).write('[')
    return request
  })
  await until(
    () => ingest.metric('kappa_ingest_requests_in_flight'),
    (inFlight) => inFlight === floodRequests,
  )
  const refused = await flood('bounds', [delay()])
  assert.equal(refused.status, 429)
  assert.deepEqual(JSON.parse(refused.text).error.details, {
    limit: 'client_requests_in_flight',
    bound: floodRequests,
  })
  assert.equal((await small('bounds', [delay()])).status, 200)
  for (const request of held) request.destroy()
})
