import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { after, test } from 'node:test'
import { loadContracts } from '@kappa/contracts/load'
import { KafkaError, type TopicSpec } from '@kappa/kafka/port'
import { createLogger } from '@kappa/service/logger'
import { until } from '@kappa/test/until'
import { readIngestConfig } from '../config.ts'
import { createIngest } from '../service.ts'
import { createContractTopics } from '../start-kafka.ts'
import {
  contractFiles,
  decode,
  delay,
  delaySchema,
  readLog,
  schemasFolder,
  TestIngest,
  testEnvironment,
} from './fixture.ts'

const topic = `ingest-test-${randomUUID()}.start`

async function startWith(
  files: Record<string, string>,
  environment: Record<string, string> = {},
): Promise<Error> {
  const folder = await schemasFolder(files)
  const config = readIngestConfig(testEnvironment(folder, environment))
  const error = await createIngest(config).then(
    (service) => service.stop().then(() => undefined),
    (failure: unknown) => failure,
  )
  assert.ok(error instanceof Error, 'the start fails')
  return error
}

test('a port that is taken stops the start and is named', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  after(() => other.close())
  const address = other.address()
  const port = typeof address === 'object' && address ? String(address.port) : ''
  const error = await startWith(contractFiles(topic), { KAPPA_HTTP_PORT: port })
  assert.match(error.message, new RegExp(`KAPPA_HTTP_PORT is ${port}, .*127\\.0\\.0\\.1:${port}`))
})

test('an incompatible version of a contract stops the start, naming file, line and field', async () => {
  const [, ...rest] = delaySchema.fields
  const changed = { ...delaySchema, fields: [{ name: 'event_id', type: 'int' }, ...rest] }
  const error = await startWith({
    ...contractFiles(topic),
    [`${topic}/2.avsc`]: JSON.stringify(changed, null, 2),
  })
  assert.match(error.message, /2\.avsc:\d+: .*compatible with version 1: .*event_id/)
})

test('two versions with one number stop the start, naming both files', async () => {
  const error = await startWith({
    ...contractFiles(topic),
    [`${topic}/01.avsc`]: JSON.stringify(delaySchema),
  })
  assert.match(error.message, /two versions with one number: 01\.avsc and 1\.avsc/)
})

test('without Kafka the start waits for its bound and then fails, naming the brokers', async () => {
  const started = Date.now()
  const error = await startWith(contractFiles(topic), {
    KAPPA_KAFKA_BROKERS: '127.0.0.1:1',
    KAPPA_KAFKA_START_TIMEOUT_MS: '1200',
    KAPPA_KAFKA_REQUEST_TIMEOUT_MS: '300',
    KAPPA_KAFKA_CONNECT_TIMEOUT_MS: '300',
  })
  assert.ok(error instanceof KafkaError)
  assert.match(error.message, /127\.0\.0\.1:1 was not available within 1200 ms/)
  const took = Date.now() - started
  assert.ok(took >= 600 && took < 5_000, `${took} ms`)
})

test('topics are created as their contracts say, stamped when appended and never shortened', async () => {
  const folder = await schemasFolder(contractFiles(topic))
  const config = readIngestConfig(testEnvironment(folder))
  const asked: TopicSpec[] = []
  const admin = {
    createTopics: async (specs: readonly TopicSpec[]) => {
      asked.push(...specs)
      return []
    },
    partitionCount: async () => 3,
  }
  const logger = createLogger('ingest', 'silent')
  await createContractTopics(admin, await loadContracts(folder), config, logger)
  assert.deepEqual(asked, [
    {
      topic,
      partitions: 3,
      replicationFactor: 1,
      config: { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '-1' },
    },
  ])
})

test('variables that are wrong stop the start, all of them named', () => {
  const environment = { KAPPA_INGEST_EVENTS_PER_REQUEST_MAX: 'many', KAPPA_HTTP_PORT: '-1' }
  assert.throws(
    () => readIngestConfig(environment),
    /KAPPA_HTTP_PORT is "-1"[\s\S]*KAPPA_KAFKA_BROKERS is not set[\s\S]*KAPPA_SCHEMAS_FOLDER is not set[\s\S]*EVENTS_PER_REQUEST_MAX is "many"; it must be a whole number from 1 to 1000000 \(events\)/,
  )
})

test('P1: stopping ends readiness, writes and answers what is open, and can be asked for twice', async () => {
  const ingest = await TestIngest.start(['stop'])
  const event = delay()
  const body = JSON.stringify(event)
  const open = ingest.open('stop', [`content-length: ${body.length}`])
  open.write(body.slice(0, 10))
  await until(
    () => ingest.metric('kappa_ingest_requests_in_flight'),
    (seen) => seen === 1,
  )
  const stopped = Promise.all([ingest.stop(), ingest.stop()])
  await assert.rejects(fetch(`${ingest.url}/health/ready`))
  open.write(body.slice(10))
  assert.match(await open.answer(), /^HTTP\/1.1 200 /)
  await stopped
  const log = await readLog(ingest.topic('stop'))
  assert.deepEqual(
    log.map((record) => decode(record).event_id),
    [event.event_id],
  )
})
