import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { decodePosition } from '@kappa/kafka/position-token'
import { until } from '@kappa/test/until'
import { decode, delay, readLog, TestIngest } from './fixture.ts'

let ingest: TestIngest
before(async () => {
  ingest = await TestIngest.start(['small', 'long', 'broken', 'slow', 'import'], {
    environment: {
      KAPPA_INGEST_STREAM_CHUNK_BYTES: '20000',
      KAPPA_INGEST_EVENTS_PER_REQUEST_MAX: '100',
      KAPPA_HTTP_BODY_BYTES_MAX: '50000',
      KAPPA_HTTP_REQUEST_TIMEOUT_MS: '1500',
      KAPPA_INGEST_EVENT_BYTES_MAX: '5000',
    },
  })
})
after(() => ingest.stop())

interface Line {
  readonly index: number
  readonly status: string
  readonly id: string
  readonly error: { readonly code: string }
  readonly summary?: {
    readonly accepted: number
    readonly rejected: number
    readonly failed: number
    readonly position: string | null
    readonly error?: { readonly code: string; readonly message: string }
  }
}

const headers = { 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson' }

function open(label: string, query = '') {
  const url = `${ingest.url}/v1/topics/${ingest.topic(label)}/events${query}`
  const request = httpRequest(url, { method: 'POST', headers })
  const answer = new Promise<{ status: number; lines: Line[] }>((resolve, reject) => {
    request.on('error', reject).on('response', async (response) => {
      const lines: Line[] = []
      for await (const line of createInterface(response)) lines.push(JSON.parse(line))
      resolve({ status: response.statusCode ?? 0, lines })
    })
  })
  return { request, answer }
}

test('a short body has the status of its events, a line for each, and a summary', async () => {
  const events = [delay(), { event_id: 'wrong' }, delay()]
  const { request, answer } = open('small')
  request.end(events.map((event) => JSON.stringify(event)).join('\n'))
  const { status, lines } = await answer
  assert.equal(status, 207)
  assert.deepEqual(
    lines.slice(0, 3).map(({ index, status: each }) => [index, each]),
    [
      [0, 'accepted'],
      [1, 'rejected'],
      [2, 'accepted'],
    ],
  )
  assert.deepEqual([lines[3]?.summary?.accepted, lines[3]?.summary?.rejected], [2, 1])
  const nothing = open('small')
  nothing.request.end('\n')
  assert.equal((await nothing.answer).status, 400)
})

test('a body far above the other bounds is written in order, whatever its length', async () => {
  const count = 5_000
  const { request, answer } = open('long')
  const ids: string[] = []
  for (let n = 0; n < count; n++) {
    const event = delay()
    ids.push(event.event_id)
    if (!request.write(`${JSON.stringify(event)}\n`)) {
      await new Promise((resolve) => request.once('drain', resolve))
    }
  }
  request.end()
  const { lines } = await answer
  assert.equal(lines.length, count + 1)
  assert.deepEqual(
    lines.slice(0, -1).map(({ id }) => id),
    ids,
  )
  assert.deepEqual(
    lines.slice(0, -1).map(({ index }) => index),
    ids.map((_id, index) => index),
  )
  const summary = lines.at(-1)?.summary
  assert.deepEqual([summary?.accepted, summary?.rejected, summary?.failed], [count, 0, 0])
  const log = await readLog(ingest.topic('long'))
  assert.deepEqual(new Set(log.map((record) => decode(record).event_id)), new Set(ids))
  const position = decodePosition(summary?.position ?? '')?.get(ingest.topic('long'))
  for (const { partition, offset } of log) assert.ok((position?.get(partition) ?? 0n) > offset)
})

test('a line above its bound ends the answer with the reason; what was answered is in the log', async () => {
  const { request, answer } = open('broken')
  const event = delay()
  request.write(`${JSON.stringify(event)}\n`)
  request.end(`"${'x'.repeat(60_000)}`)
  const { lines } = await answer
  assert.deepEqual(lines[0]?.id, event.event_id)
  assert.equal(lines.at(-1)?.summary?.error?.code, 'body_too_large')
  assert.match(lines.at(-1)?.summary?.error?.message ?? '', /^Line 2 is longer/)
  assert.equal((await readLog(ingest.topic('broken'))).length, 1)
})

test('a body that stops arriving is ended after the time-out, and its share is given back', async () => {
  const { request, answer } = open('slow')
  request.write(`${JSON.stringify(delay())}\n{"event_id"`)
  const { lines } = await answer
  assert.equal(lines.at(-1)?.summary?.error?.code, 'request_timeout')
  request.destroy()
  const cut = open('slow')
  cut.answer.catch(() => undefined)
  cut.request.write(`${JSON.stringify(delay())}\n`)
  await until(
    () => ingest.metric('kappa_ingest_requests_in_flight'),
    (seen) => seen === 1,
  )
  cut.request.destroy()
  await until(
    () => ingest.metric('kappa_ingest_requests_in_flight'),
    (seen) => seen === 0,
  )
  assert.equal(await ingest.metric('kappa_ingest_body_bytes_in_flight'), 0)
})

test('an import keeps its order over the chunks of its body', async () => {
  const { request, answer } = open('import', '?mode=import')
  for (let n = 0; n < 1_000; n++) {
    request.write(`${JSON.stringify(delay({ departed_at: 1_000_000 + n }))}\n`)
  }
  request.end()
  const { lines } = await answer
  assert.equal(lines.at(-1)?.summary?.accepted, 1_000)
})
