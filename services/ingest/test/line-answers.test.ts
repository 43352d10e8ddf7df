import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Health } from '@kappa/service/health'
import { closeHttp, createHttp, type Http, listen } from '@kappa/service/http'
import { createLogger } from '@kappa/service/logger'
import { createMetrics } from '@kappa/service/metrics'
import { readIngestConfig } from '../config.ts'
import type { IngestContext } from '../context.ts'
import { IngestMetrics } from '../ingest-metrics.ts'
import { FairTurns } from '../publishing/fair-turns.ts'
import { InFlight } from '../publishing/in-flight.ts'
import type { Published, PublishRequest } from '../publishing/publisher.ts'
import { publishRoute } from '../routes/publish.ts'

/** Streamed answers over a publisher that the test holds in its hands. */
const config = readIngestConfig({
  KAPPA_KAFKA_BROKERS: 'none:1',
  KAPPA_SCHEMAS_FOLDER: 'none',
  KAPPA_HTTP_PORT: '0',
  KAPPA_LOG_LEVEL: 'silent',
  KAPPA_INGEST_STREAM_CHUNK_BYTES: '2000',
  KAPPA_INGEST_EVENTS_PER_REQUEST_MAX: '100',
  KAPPA_INGEST_CLIENT_BYTES_IN_FLIGHT_MAX: '5000',
})
const health = new Health()
const registry = createMetrics('ingest')
const inFlight = new InFlight(config.limits)
const writing: { request: PublishRequest; written: () => void; failed: (error: Error) => void }[] =
  []
const more = new EventTarget()
let http: Http
let url: URL

const publisher = {
  publish: (request: PublishRequest) =>
    new Promise<Published>((resolve, reject) => {
      const results = request.events.values.map((_, index) => ({
        status: 'accepted' as const,
        id: String(index),
        partition: 0,
        offset: '0',
      }))
      const accepted = results.length
      const written = () => resolve({ accepted, rejected: 0, position: undefined, results })
      writing.push({ request, written, failed: reject })
      more.dispatchEvent(new Event('more'))
    }),
}

/** Resolves when so many chunks have come to be written. */
async function arrived(count: number) {
  while (writing.length < count) await once(more, 'more')
  return writing.splice(0)
}

before(async () => {
  http = await createHttp({
    title: 'test',
    description: 'test',
    settings: config.http,
    logger: createLogger('ingest', 'silent'),
    metrics: registry,
    health,
  })
  http.removeAllContentTypeParsers()
  http.addContentTypeParser('*', (_request, _payload, done) => done(null))
  const turns = new FairTurns(config.limits.turnBytesMax)
  publishRoute(http, {
    config,
    inFlight,
    publisher,
    turns,
    metrics: new IngestMetrics(registry, inFlight, turns),
    topics: { get: () => ({ contract: { topic: 'topic', importDisorderMaxMs: 0 } }) },
    versions: { choose: () => ({ n: 1 }) },
    rejected: { sinkFor: () => undefined },
  } as unknown as IngestContext)
  url = new URL(await listen(http, config.http))
})
after(() => closeHttp(http, health, config.http))

const head = `POST /v1/topics/topic/events HTTP/1.1
host: test
content-type: application/x-ndjson
accept: application/x-ndjson
content-length: 1000000

`.replaceAll('\n', '\r\n')

function send(lines: number) {
  const client = connect(Number(url.port), url.hostname)
  client.on('error', () => client.destroy())
  client.write(head)
  client.write('{"is": "event"}\n'.repeat(lines))
  return client
}

/** Finishes chunks until their request has given back its share. */
async function release(chunks: typeof writing, finish: 'written' | 'failed') {
  for (let open = chunks; inFlight.total.requests > 0; open = writing.splice(0)) {
    for (const chunk of open) chunk[finish](new Error('not known to anybody'))
    await setImmediate()
  }
}

test('a streamed body above the bound on bytes is refused, and gives its share back', async () => {
  const first = send(200)
  const chunks = await arrived(2)
  const refused = send(0)
  const [answer] = (await once(refused, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1.1 429 .*client_bytes_in_flight/s)
  assert.equal(inFlight.total.requests, 1)
  const count = await registry.getSingleMetricAsString('kappa_ingest_requests_refused_total')
  assert.match(count, /code="too_many_requests".* 1$/m)
  refused.destroy()
  first.destroy()
  await release(chunks, 'written')
})

test('what a client that went away has sent keeps its share until it is written', async () => {
  for (const finish of ['written', 'failed'] as const) {
    const connected = once(http.server, 'connection')
    const client = send(400)
    const [connection] = (await connected) as [Socket]
    const chunks = await arrived(2)
    client.destroy()
    await new Promise((resolve) => connection.once('close', resolve))
    assert.equal(inFlight.total.requests, 1)
    await release(chunks, finish)
  }
})
