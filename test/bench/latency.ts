import { setTimeout as delay } from 'node:timers/promises'
import { step } from '../../infra/setup/progress.mjs'
import { getJson, type Page, type Platform } from '../platform/platform.ts'
import { waitFor } from '../platform/wait.ts'
import { type Bench, benchEvent, benchTopic, startBenchPlatform } from './bench-stack.ts'
import { Coverage } from './coverage.ts'
import { type Figure, percentile } from './figures.ts'

const APPLICATION = 'bench'
const VIEW = 'device_counts'
const RESULTS_POLL_MS = 5
const STATUS_POLL_MS = 100
const READABLE_TIMEOUT_MS = 60_000

/** Live events at a steady rate: from the answer of ingest to the answer of results that holds each. */
export async function benchLatency(bench: Bench): Promise<Figure[]> {
  const { latencySeconds, warmUpSeconds, eventsPerSecond } = bench.options
  const platform = await step('Starting the view for live events', () => startLive(bench))
  try {
    let sent = 0
    const publish = async (seconds: number, coverage: Coverage) => {
      const since = performance.now()
      const answers: Promise<void>[] = []
      for (let i = 0; i < seconds * eventsPerSecond; i++) {
        await delay(Math.max(0, since + (i * 1_000) / eventsPerSecond - performance.now()))
        const answer = publishOne(platform, sent++, coverage)
        // It is awaited below; until then a failure is no unhandled one.
        answer.catch(() => undefined)
        answers.push(answer)
      }
      await Promise.all(answers)
    }
    if (warmUpSeconds > 0) {
      await step('Live events, to warm up', () => publish(warmUpSeconds, new Coverage()))
    }
    const coverage = new Coverage()
    const over = new AbortController()
    const reading = pollResults(platform, coverage, over.signal)
    const batches = pollBatches(platform, over.signal)
    await step(`Live events, ${eventsPerSecond}/s`, () => publish(latencySeconds, coverage))
    await waitFor(
      'every event readable',
      async () => (coverage.waiting === 0 ? true : undefined),
      READABLE_TIMEOUT_MS,
    )
    over.abort()
    await reading
    return figures(coverage.latenciesMs, await batches, eventsPerSecond)
  } finally {
    await platform.stop()
  }
}

async function startLive(bench: Bench): Promise<Platform> {
  const platform = await startBenchPlatform(bench, {
    namespace: 'bench-latency',
    redisDatabase: 4,
    application: true,
  })
  try {
    await platform.untilLive(APPLICATION)
    await publishOne(platform, 999_999, new Coverage())
    await platform.untilCurrent(APPLICATION, [VIEW])
    return platform
  } catch (error) {
    await platform.stop()
    throw error
  }
}

async function publishOne(platform: Platform, number: number, coverage: Coverage): Promise<void> {
  const answer = await fetch(`${platform.ingest.url}/v1/topics/${benchTopic}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: benchEvent(number, Date.now()),
  })
  const acceptedAt = performance.now()
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`ingest answered ${answer.status}: ${text}`)
  const [placed] = JSON.parse(text).results
  coverage.add({ partition: placed.partition, offset: Number(placed.offset), acceptedAt })
}

async function pollResults(platform: Platform, coverage: Coverage, over: AbortSignal) {
  const url = `${platform.results.url}/v1/views/${APPLICATION}/${VIEW}?limit=1`
  while (!over.aborted) {
    const { meta } = (await getJson(url)) as Page
    coverage.readable(String(meta.position), benchTopic, performance.now())
    await delay(RESULTS_POLL_MS)
  }
}

/** Durations of the micro-batches that were finished meanwhile, in milliseconds. */
async function pollBatches(platform: Platform, over: AbortSignal): Promise<number[]> {
  const durations = new Map<number, number>()
  let first: number | undefined
  while (!over.aborted) {
    const status = (await getJson(`${platform.replay.url}/v1/applications/${APPLICATION}`)) as {
      releases: { views: { batch_ms: number | null; position: { batch: number } }[] }[]
    }
    const view = status.releases[0]?.views[0]
    const batch = view?.position.batch
    first ??= batch
    if (batch !== undefined && batch !== first) durations.set(batch, view?.batch_ms ?? Number.NaN)
    await delay(STATUS_POLL_MS)
  }
  return [...durations.values()].filter(Number.isFinite)
}

function figures(latenciesMs: number[], batchesMs: number[], rate: number): Figure[] {
  const batch = {
    what: 'micro-batch p50',
    value: percentile(batchesMs, 0.5),
    unit: 'ms',
  }
  const notes = [
    `${latenciesMs.length} events at ${rate}/s; results polled every ${RESULTS_POLL_MS} ms`,
    `${batchesMs.length} micro-batches, p95 ${percentile(batchesMs, 0.95)} ms`,
  ]
  return [0.5, 0.95, 0.99].map((part, index) => ({
    what: `accepted to readable, p${part * 100}`,
    value: percentile(latenciesMs, part),
    unit: 'ms',
    peer: batch,
    ...(notes[index] === undefined ? {} : { note: notes[index] }),
  }))
}
