import { setTimeout as delay } from 'node:timers/promises'
import { step } from '../../infra/setup/progress.mjs'
import type { Platform } from '../platform/platform.ts'
import { getJson } from '../platform/platform-client.ts'
import { type Bench, benchEvent, benchTopic, startBenchPlatform } from './bench-stack.ts'
import { type Figure, percentile } from './figures.ts'
import { LiveEvents } from './live-events.ts'

const APPLICATION = 'bench'
const VIEW = 'device_counts'
const STATUS_POLL_MS = 100

/** Live events at a steady rate: from the answer of ingest to the answer of results that holds each. */
export async function benchLatency(bench: Bench): Promise<Figure[]> {
  const { latencySeconds, warmUpSeconds, eventsPerSecond } = bench.options
  const platform = await step('Starting the view for live events', () => startLive(bench))
  try {
    const view = { application: APPLICATION, view: VIEW }
    const live = new LiveEvents(platform, benchTopic, view, benchEvent)
    if (warmUpSeconds > 0) {
      await step('Live events, to warm up', () =>
        live.during(delay(warmUpSeconds * 1_000), eventsPerSecond),
      )
    }
    const over = new AbortController()
    const batches = pollBatches(platform, over.signal)
    const latencies = await step(`Live events, ${eventsPerSecond}/s`, () =>
      live.during(delay(latencySeconds * 1_000), eventsPerSecond),
    )
    over.abort()
    return figures(latencies, await batches, eventsPerSecond)
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
    return platform
  } catch (error) {
    await platform.stop()
    throw error
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
    `${latenciesMs.length} events at ${rate}/s; results asked all the time`,
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
