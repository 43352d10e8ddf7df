import { connectKafka } from '@kappa/kafka/connect'
import autocannon from 'autocannon'
import { step } from '../../infra/setup/progress.mjs'
import {
  type Bench,
  benchEvent,
  benchTopic,
  EVENT_BYTES,
  startBenchPlatform,
} from './bench-stack.ts'
import type { Figure } from './figures.ts'
import { runPerfProducer } from './perf-producer.ts'

const EVENTS_PER_REQUEST = 500
/** Different bodies, sent in turn. */
const BODIES = 32
const WARM_UP_SECONDS = 4
const PERF_RECORDS = 3_000_000
const PERF_WARM_UP_RECORDS = 500_000
const PARTITIONS = 4
const PERF_TOPIC = 'bench.perf'
const TIMEOUT_MS = 30_000

/** Events per second over HTTP in batches, between two runs of Kafka's own producer. */
export async function benchIngest(bench: Bench): Promise<Figure[]> {
  const { options, stack, components } = bench
  const platform = await step('Starting ingest', () =>
    startBenchPlatform(bench, { namespace: 'bench-ingest', redisDatabase: 3, application: false }),
  )
  try {
    await createPerfTopic(stack.kafkaBrokers)
    const perf = () =>
      step("Kafka's perf producer", () =>
        runPerfProducer(components, {
          topic: PERF_TOPIC,
          brokers: stack.kafkaBrokers,
          records: PERF_RECORDS,
          warmUpRecords: PERF_WARM_UP_RECORDS,
          recordBytes: EVENT_BYTES,
        }),
      )
    const before = await perf()
    const load = (seconds: number) => publishLoad(platform.ingest.url, options.connections, seconds)
    const ingest = await step('Publishing over HTTP', async () => {
      await load(WARM_UP_SECONDS)
      return load(options.ingestSeconds)
    })
    const after = await perf()
    return [
      {
        what: `ingest, batches of ${EVENTS_PER_REQUEST}`,
        value: ingest.eventsPerSecond,
        unit: 'events/s',
        peer: { what: "Kafka's perf producer", value: (before + after) / 2, unit: 'records/s' },
        note: `${EVENT_BYTES} bytes, acks=all, ${options.connections} connections, request p50 ${ingest.p50Ms} ms, p99 ${ingest.p99Ms} ms; perf producer before and after: ${Math.round(before)}, ${Math.round(after)} records/s`,
      },
    ]
  } finally {
    await platform.stop()
  }
}

/** @throws Error when any answer is not 200: then the figure would be of something else */
async function publishLoad(url: string, connections: number, duration: number) {
  const result = await autocannon({
    url: `${url}/v1/topics/${benchTopic}/events`,
    connections,
    duration,
    requests: requestBodies().map((body) => ({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })),
  })
  const failed = result.non2xx + result.errors + result.timeouts
  if (failed > 0) throw new Error(`${failed} requests to ingest failed.`)
  return {
    eventsPerSecond: (result['2xx'] * EVENTS_PER_REQUEST) / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  }
}

function requestBodies(): string[] {
  const at = Date.now()
  return Array.from({ length: BODIES }, (_, body) => {
    const first = body * EVENTS_PER_REQUEST
    const events = Array.from({ length: EVENTS_PER_REQUEST }, (_, i) => benchEvent(first + i, at))
    return `[${events.join(',')}]`
  })
}

async function createPerfTopic(brokers: string): Promise<void> {
  const kafka = await connectKafka({
    brokers: [brokers],
    clientId: 'kappa-bench',
    requestTimeoutMs: TIMEOUT_MS,
    connectTimeoutMs: TIMEOUT_MS,
  })
  try {
    await kafka.admin.createTopics([{ topic: PERF_TOPIC, partitions: PARTITIONS }], TIMEOUT_MS)
  } finally {
    await kafka.close()
  }
}
