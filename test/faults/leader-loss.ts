import assert from 'node:assert/strict'
import { join } from 'node:path'
import { connectKafka } from '@kappa/kafka/connect'
import type { KafkaCluster, PartitionState } from '../kafka-cluster/kafka-cluster.ts'
import { copyFlights } from '../platform/flights-copy.ts'
import { ServiceProcess } from '../platform/service-process.ts'
import { testStack } from '../stack.ts'
import { until } from '../until.ts'
import { HttpPublisher } from './http-publisher.ts'
import { auditLog } from './log-audit.ts'
import { PortWriter } from './port-writer.ts'

const PARTITIONS = 3
const CLIENTS = ['kafkajs', 'platformatic'] as const
/** Acknowledged by each writer after a loss, before the lost broker comes back. */
const RECORDS_WITHOUT_BROKER = 400
const PROGRESS_TIMEOUT_MS = 60_000

/** Losses for every partition of every topic. */
export const EVERY_PARTITION = (CLIENTS.length + 1) * PARTITIONS

/**
 * Kills the leader of one partition after the other, under load through both implementations of the
 * port and through ingest, and compares what each acknowledged with the log. Prints the figures.
 */
export async function loseLeaders(cluster: KafkaCluster, losses: number): Promise<void> {
  const topics = CLIENTS.map((client) => `written-by-${client}`)
  await createTopics(cluster, topics)
  const ingest = await startIngest(cluster)
  const writers: PortWriter[] = []
  try {
    for (const [index, client] of CLIENTS.entries()) {
      const config = { brokers: cluster.brokers, client }
      writers.push(await PortWriter.start(config, topics[index] as string))
    }
    const publisher = new HttpPublisher(ingest.publishUrl, departure)
    const all = [...topics, ingest.topic]
    await cluster.untilInSync(all)
    for (let loss = 0; loss < losses; loss += 1) {
      const begunAt = Date.now()
      const watched = all[loss % all.length] as string
      const partition = Math.floor(loss / all.length)
      const { leader } = (await cluster.partitions(watched))[partition] as PartitionState
      await cluster.kill(leader)
      await untilProgress([...writers, publisher])
      const goneOnMs = Date.now() - begunAt
      await cluster.restart(leader)
      await cluster.untilInSync(all)
      console.log(
        `node ${leader}, leader of ${watched} ${partition}, killed: all went on after ${goneOnMs} ms, in sync again after ${Date.now() - begunAt} ms`,
      )
    }
    await Promise.all([...writers, publisher].map((source) => source.finish()))
    for (const writer of writers) await assertNothingLost(cluster, writer)
    await assertIngestAccounts(cluster, ingest, publisher)
  } finally {
    await Promise.all(writers.map((writer) => writer.close()))
    await ingest.process.stop()
  }
}

async function createTopics(cluster: KafkaCluster, topics: readonly string[]): Promise<void> {
  const kafka = await connectKafka({
    brokers: cluster.brokers,
    clientId: 'leader-loss',
    requestTimeoutMs: 10_000,
    connectTimeoutMs: 5_000,
  })
  try {
    const specs = topics.map((topic) => ({ topic, partitions: PARTITIONS, replicationFactor: 3 }))
    await kafka.admin.createTopics(specs, 30_000)
  } finally {
    await kafka.close()
  }
}

async function startIngest(cluster: KafkaCluster) {
  const folder = join(testStack().stateFolder, 'leader-loss')
  const copy = copyFlights(folder, 'leader-loss')
  const topic = copy.topic('flights.departures')
  const process = await ServiceProcess.start(
    'ingest',
    {
      KAPPA_KAFKA_BROKERS: cluster.brokers.join(','),
      KAPPA_KAFKA_REQUEST_TIMEOUT_MS: '5000',
      KAPPA_KAFKA_CONNECT_TIMEOUT_MS: '2000',
      KAPPA_NAMESPACE: 'leader-loss',
      KAPPA_REPLICATION_FACTOR: '3',
      KAPPA_SCHEMAS_FOLDER: copy.schemasFolder,
      KAPPA_HTTP_PORT: '0',
      KAPPA_LOG_LEVEL: 'warn',
    },
    join(folder, 'ingest.log'),
  )
  return { process, topic, publishUrl: `${process.url}/v1/topics/${topic}/events` }
}

function departure(id: string, valid: boolean): object {
  const now = new Date().toISOString()
  return {
    event_id: id,
    carrier: 'UA',
    flight: valid ? 1 : 'not a number',
    tail_number: `N${id}`,
    origin: 'EWR',
    destination: 'SFO',
    scheduled_at: now,
    departed_at: now,
    delay_minutes: 7,
    distance_miles: 2_565,
  }
}

/** Each source gets acknowledgements without the lost broker. */
async function untilProgress(sources: readonly (PortWriter | HttpPublisher)[]): Promise<void> {
  const before = sources.map(({ acknowledged }) => acknowledged.size)
  await until(
    async () => sources.map(({ acknowledged }, i) => acknowledged.size - (before[i] ?? 0)),
    (gained) => gained.every((count) => count >= RECORDS_WITHOUT_BROKER),
    PROGRESS_TIMEOUT_MS,
  )
}

async function assertNothingLost(cluster: KafkaCluster, writer: PortWriter): Promise<void> {
  const { topic, acknowledged, failures, sent } = writer
  const audit = await auditLog(cluster.brokers, topic, acknowledged)
  const { records, distinct, doubled, lost, misplaced } = audit
  console.log(
    `${topic}: ${sent} sent, ${acknowledged.size} acknowledged, ${records} in the log, ${distinct} distinct, ${doubled} doubled, ${lost.length} lost; failed sends: ${counts(failures)}`,
  )
  assert.equal(acknowledged.size, sent)
  assert.deepEqual(lost, [])
  assert.deepEqual(misplaced, [])
  assert.equal(distinct, sent)
}

async function assertIngestAccounts(
  cluster: KafkaCluster,
  ingest: Awaited<ReturnType<typeof startIngest>>,
  publisher: HttpPublisher,
): Promise<void> {
  const { acknowledged, answered, rejected, retries } = publisher
  const audit = await auditLog(cluster.brokers, ingest.topic, acknowledged)
  const metrics = await accounts(ingest.process.url, ingest.topic)
  console.log(
    `ingest: ${answered} events sent and answered, ${acknowledged.size} acknowledged, ${rejected} rejected, ${audit.records} in the log, ${audit.distinct} distinct, ${audit.doubled} doubled, ${audit.lost.length} lost; requests sent again: ${counts(retries)}; metrics: ${JSON.stringify(metrics)}`,
  )
  assert.deepEqual(audit.lost, [])
  assert.deepEqual(audit.misplaced, [])
  assert.equal(acknowledged.size + rejected, answered)
  // What was in doubt was sent again with its id: the log has nothing that was not acknowledged.
  assert.equal(audit.distinct, acknowledged.size)
  assert.equal(
    metrics.received,
    metrics.accepted + metrics.rejected + metrics.refused + metrics.unknown + metrics.inFlight,
  )
  assert.equal(metrics.accepted, acknowledged.size)
  assert.equal(metrics.inFlight, 0)
}

async function accounts(url: string, topic: string) {
  const text = await (await fetch(`${url}/metrics`)).text()
  const sum = (name: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`kappa_ingest_events_${name}{`))
      .filter((line) => line.includes(`topic="${topic}"`))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0)
  return {
    received: sum('received_total'),
    accepted: sum('accepted_total'),
    rejected: sum('rejected_total'),
    refused: sum('refused_total'),
    unknown: sum('unknown_total'),
    inFlight: sum('in_flight'),
  }
}

function counts(map: ReadonlyMap<string, number>): string {
  return [...map].map(([name, count]) => `${count} ${name}`).join(', ') || 'none'
}
