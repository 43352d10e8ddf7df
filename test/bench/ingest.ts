import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
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
import { descendants, sumByName } from './processes.ts'

const BATCHES = [1, 100, 500, 2_000]
/** Different bodies, sent in turn. */
const BODIES = 32
const WARM_UP_SECONDS = 4
const PERF_RECORDS = 3_000_000
const PERF_WARM_UP_RECORDS = 500_000
const PARTITIONS = 4
const PERF_TOPIC = 'bench.perf'
const TIMEOUT_MS = 30_000
const SINGLE_EVENTS_PER_SECOND = 1_000
const RAW_LIBRARIES = ['kafkajs', 'platformatic'] as const

interface Load {
  readonly eventsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU seconds a million events, by process. */
  readonly cpu: string
}

/**
 * Events per second over HTTP by size of batch, between two runs of Kafka's own producer and beside
 * the client libraries by themselves; and the latency of single events at a fixed rate.
 */
export async function benchIngest(bench: Bench): Promise<Figure[]> {
  const { options, stack, components } = bench
  const platform = await step('Starting ingest', () =>
    startBenchPlatform(bench, { namespace: 'bench-ingest', redisDatabase: 3, application: false }),
  )
  const { url } = platform.ingest
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
    // First, while the disk has nothing of the others to write back.
    const latency = await step('Publishing single events at a fixed rate', async () => {
      await publishLoad(url, 1, options, WARM_UP_SECONDS, SINGLE_EVENTS_PER_SECOND)
      return publishLoad(url, 1, options, options.ingestSeconds, SINGLE_EVENTS_PER_SECOND)
    })
    const before = await perf()
    const figures: Figure[] = []
    for (const batch of BATCHES) figures.push(...(await benchBatch(batch)))
    const after = await perf()
    const peer = {
      what: "Kafka's perf producer",
      value: (before + after) / 2,
      unit: 'records/s',
    }
    const note = `perf producer before and after: ${Math.round(before)}, ${Math.round(after)} records/s`
    return [
      ...figures.map((figure) => (figure.peer ? figure : { ...figure, peer })),
      {
        what: `single events at ${SINGLE_EVENTS_PER_SECOND}/s, p99`,
        value: latency.p99Ms,
        unit: 'ms',
        peer: { what: 'bound', value: 25, unit: 'ms' },
        note: `p50 ${latency.p50Ms} ms, ${Math.round(latency.eventsPerSecond)} events/s; ${note}`,
      },
    ]
  } finally {
    await platform.stop()
  }

  async function benchBatch(batch: number): Promise<Figure[]> {
    const load = await step(`Publishing batches of ${batch}`, async () => {
      await publishLoad(url, batch, options, WARM_UP_SECONDS)
      return publishLoad(url, batch, options, options.ingestSeconds)
    })
    const measured = {
      what: `ingest, batches of ${batch}`,
      value: load.eventsPerSecond,
      unit: 'events/s',
    }
    const note = `${EVENT_BYTES} bytes, acks=all, ${options.ingestConnections} connections, request p50 ${load.p50Ms} ms, p99 ${load.p99Ms} ms; CPU seconds per million events: ${load.cpu}`
    const figures: Figure[] = [{ ...measured, note }]
    for (const library of RAW_LIBRARIES) {
      const value = await step(`${library} by itself, batches of ${batch}`, () =>
        runRawProducer(library, stack.kafkaBrokers, batch, options),
      )
      figures.push({ ...measured, peer: { what: `raw ${library}`, value, unit: 'records/s' } })
    }
    return figures
  }
}

/** @throws Error when any answer is not 200: then the figure would be of something else */
async function publishLoad(
  url: string,
  batch: number,
  { ingestConnections: connections }: Bench['options'],
  duration: number,
  overallRate?: number,
): Promise<Load> {
  const cpuBefore = cpuSeconds()
  const result = await autocannon({
    url: `${url}/v1/topics/${benchTopic}/events`,
    connections,
    duration,
    ...(overallRate === undefined ? {} : { overallRate }),
    requests: requestBodies(batch).map((body) => ({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })),
  })
  const failed = result.non2xx + result.errors + result.timeouts
  if (failed > 0) throw new Error(`${failed} requests to ingest failed.`)
  const events = result['2xx'] * batch
  const before = new Map(cpuBefore.map(({ name, value }) => [name, value]))
  const cpu = cpuSeconds().map(
    ({ name, value }) =>
      `${name} ${(((value - (before.get(name) ?? 0)) / events) * 1e6).toFixed(1)}`,
  )
  return {
    eventsPerSecond: events / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    cpu: cpu.join(', '),
  }
}

function cpuSeconds(): { name: string; value: number }[] {
  return sumByName(descendants(), ({ cpuSeconds: seconds }) => seconds).filter(({ name }) =>
    ['ingest', 'Kafka'].includes(name),
  )
}

function requestBodies(batch: number): string[] {
  const at = Date.now()
  return Array.from({ length: BODIES }, (_, body) => {
    const first = body * batch
    const events = Array.from({ length: batch }, (_, i) => benchEvent(first + i, at))
    return `[${events.join(',')}]`
  })
}

/** In a process of its own, as the libraries would be used. */
async function runRawProducer(
  library: (typeof RAW_LIBRARIES)[number],
  brokers: string,
  batch: number,
  { ingestConnections, ingestSeconds }: Bench['options'],
): Promise<number> {
  const script = join(import.meta.dirname, 'raw-producer.ts')
  const args = [library, brokers, PERF_TOPIC, batch, ingestConnections, ingestSeconds].map(String)
  const timeout = (ingestSeconds + 60) * 1_000
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args], { timeout })
  return Number(JSON.parse(stdout).eventsPerSecond)
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
