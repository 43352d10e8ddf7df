import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  contractFiles,
  type Delay,
  decode,
  delay,
  readLog,
  schemasFolder,
  testEnvironment,
} from '@kappa/ingest/test/fixture'
import { ServiceProcess } from '@kappa/test/platform/service-process'
import { testStack } from '@kappa/test/stack'
import { until } from '@kappa/test/until'
import { Publisher } from '../src/publisher.ts'

const topics = ['client-test.stopped', 'client-test.killed']
const logFile = join(testStack().stateFolder, 'client-test-ingest.log')
let environment: Record<string, string>
let ingest: ServiceProcess
before(async () => {
  const files = topics.map((topic) => contractFiles(topic))
  environment = testEnvironment(await schemasFolder(Object.assign({}, ...files)))
  ingest = await ServiceProcess.start('ingest', environment, logFile)
  // The next ones take its place.
  environment.KAPPA_HTTP_PORT = new URL(ingest.url).port
})
after(() => ingest?.stop())

/** Publishes without a pause while `disturb` runs, and compares the log with what was published. */
async function publishThrough(topic: string, disturb: (publisher: Publisher) => Promise<void>) {
  const published: string[] = []
  let ends = false
  async function* events(): AsyncGenerator<Delay> {
    while (!ends) {
      const event = delay()
      published.push(event.event_id)
      yield event
    }
  }
  const publisher = new Publisher({
    url: ingest.url,
    batchEventsMax: 100,
    queueEventsMax: 1_000,
    retryDelayMsMax: 500,
  })
  const running = publisher.publishAll(topic, events())
  await disturb(publisher).finally(() => {
    ends = true
  })
  const { accepted, rejected, failed } = await running
  await publisher.close()
  assert.deepEqual(
    { accepted, rejected, failed },
    { accepted: published.length, rejected: 0, failed: 0 },
  )
  const log = (await readLog(topic)).map((record) => decode(record).event_id)
  assert.deepEqual([...new Set(log)].sort(), published.sort())
  return { published: published.length, log: log.length, retried: publisher.counters.retried }
}

/** Waits until so many more events are accepted. */
async function accepts(publisher: Publisher, events: number): Promise<void> {
  const before = publisher.counters.accepted
  await until(
    () => publisher.counters.accepted,
    (accepted) => accepted >= before + events,
  )
}

test('P1: ingest is stopped by SIGTERM and started again, three times under load: no event fails, none is lost', async (t) => {
  const figures = await publishThrough('client-test.stopped', async (publisher) => {
    for (let round = 0; round < 3; round++) {
      await accepts(publisher, 2_000)
      await ingest.stop()
      ingest = await ServiceProcess.start('ingest', environment, logFile)
      await accepts(publisher, 2_000)
    }
  })
  t.diagnostic(JSON.stringify(figures))
})

test('P1: ingest is killed and started again, three times under load: no event fails, none is lost', async (t) => {
  const figures = await publishThrough('client-test.killed', async (publisher) => {
    for (let round = 0; round < 3; round++) {
      await accepts(publisher, 2_000)
      await ingest.kill()
      ingest = await ServiceProcess.start('ingest', environment, logFile)
      await accepts(publisher, 2_000)
    }
  })
  t.diagnostic(JSON.stringify(figures))
})
