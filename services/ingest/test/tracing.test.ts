import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { OtlpReceiver } from '@kappa/test/otlp-receiver'
import { until } from '@kappa/test/until'
import { delay, readLog, TestIngest } from './fixture.ts'

const client = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }
let receiver: OtlpReceiver
let ingest: TestIngest

before(async () => {
  receiver = await OtlpReceiver.start()
  ingest = await TestIngest.start(['traced', 'unsampled', 'many', 'rejected'], {
    environment: receiver.environment,
  })
})
after(async () => {
  await ingest.stop()
  receiver.stop()
})

const publish = (label: string, events: unknown, flags = '01') =>
  ingest.publish(label, events, {
    headers: { traceparent: `00-${client.traceId}-${client.spanId}-${flags}` },
  })

const untilSent = (name: string) =>
  until(
    () => receiver.named(name).length,
    (count) => count > 0,
  )

async function traceHeaders(label: string): Promise<(string | undefined)[]> {
  const records = await readLog(ingest.topic(label))
  return records.map(({ headers }) => headers.traceparent?.toString())
}

test("a request is a part of its client's trace, and its records name the span that sent them", async () => {
  assert.equal((await publish('traced', [delay(), delay()])).status, 200)
  const sending = `send ${ingest.topic('traced')}`
  await untilSent(sending)
  const route = 'POST /v1/topics/:topic/events'
  const [sent] = receiver.named(sending)
  const request = receiver.named(route).find(({ spanId }) => spanId === sent?.parentSpanId)
  assert.ok(sent && request)
  assert.deepEqual([request.traceId, request.parentSpanId], [client.traceId, client.spanId])
  assert.equal(request.service, 'kappa-ingest')
  assert.equal(request.attributes['http.route'], '/v1/topics/:topic/events')
  assert.equal(sent.traceId, client.traceId)
  assert.equal(String(sent.attributes['messaging.batch.message_count']), '2')
  const header = `00-${client.traceId}-${sent.spanId}-01`
  assert.deepEqual(await traceHeaders('traced'), [header, header])
})

test('a trace that its client does not record is none here either', async () => {
  assert.equal((await publish('unsampled', delay(), '00')).status, 200)
  assert.deepEqual(await traceHeaders('unsampled'), [undefined])
  // What is sent later has arrived, so that would have.
  await publish('many', delay())
  await untilSent(`send ${ingest.topic('many')}`)
  assert.deepEqual(receiver.named(`send ${ingest.topic('unsampled')}`), [])
})

test('what is no traceparent begins a trace', async () => {
  await ingest.publish('rejected', delay(), { headers: { traceparent: 'x-1-2-3' } })
  const sending = `send ${ingest.topic('rejected')}`
  await untilSent(sending)
  const [sent] = receiver.named(sending)
  assert.match(sent?.traceId ?? '', /^[\da-f]{32}$/)
  assert.notEqual(sent?.traceId, client.traceId)
})
