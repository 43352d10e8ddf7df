import assert from 'node:assert/strict'
import { join } from 'node:path'
import { ServiceProcess } from '../platform/service-process.ts'
import { askPython } from '../python.ts'
import { testStack } from '../stack.ts'
import { until } from '../until.ts'
import { API, ResponseDroppingProxy } from './response-dropping-proxy.ts'

export interface KilledIngestOptions {
  readonly namespace: string
  readonly schemasFolder: string
  readonly topic: string
  /** An ingest over the same topics that goes on. */
  readonly otherUrl: string
  readonly events: readonly { readonly event_id: string }[]
}

/**
 * Publishes one request to an ingest that is killed when Kafka has acknowledged the events and the
 * client has no answer yet; then sends the whole request again, and again from two clients at once.
 * The log holds each event four times after it.
 */
export async function publishThroughKilledIngest(options: KilledIngestOptions): Promise<void> {
  const stack = testStack()
  const { namespace, schemasFolder, topic, events } = options
  const send = async (url: string) => {
    const answer = await fetch(`${url}/v1/topics/${topic}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events),
    })
    assert.equal(answer.status, 200, await answer.clone().text())
  }
  const proxy = await ResponseDroppingProxy.start(stack.kafkaBrokers)
  try {
    const ingest = await ServiceProcess.start(
      'ingest',
      {
        KAPPA_NAMESPACE: namespace,
        KAPPA_KAFKA_BROKERS: proxy.address,
        KAPPA_SCHEMAS_FOLDER: schemasFolder,
        KAPPA_HTTP_PORT: '0',
      },
      join(stack.stateFolder, `${namespace}-killed-ingest.log`),
    )
    // The acknowledgement has left Kafka, and nobody will tell the client of it.
    proxy.dropNext(API.produce, 'silence')
    const unanswered = assert.rejects(send(ingest.url), TypeError)
    await until(
      async () => proxy.dropped,
      (dropped) => dropped === 1,
    ).finally(() => ingest.kill())
    await unanswered
  } finally {
    await proxy.stop()
  }
  await send(options.otherUrl)
  await Promise.all([send(options.otherUrl), send(options.otherUrl)])

  const input = { brokers: stack.kafkaBrokers, topic }
  const log = await askPython<[number, number, string | null][]>('read_log', input)
  for (const { event_id: id } of events) {
    assert.equal(log.filter((record) => record[2] === id).length, 4, `${id} in the log`)
  }
}
