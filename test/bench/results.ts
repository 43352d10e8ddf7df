import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  connectTestKafka,
  connectTestRedis,
  environment,
  FakeApplication,
} from '@kappa/results/test/fixture'
import autocannon from 'autocannon'
import { step } from '../../infra/setup/progress.mjs'
import { ServiceProcess } from '../platform/service-process.ts'
import { waitFor } from '../platform/wait.ts'
import { startBareServer } from './bare-peer.ts'
import type { Bench } from './bench-stack.ts'
import { type Figure, formatSeconds, percentile } from './figures.ts'

const DATABASE = 18
const CHUNK_ROWS = 10_000
const CARRIERS = 200
const KEYS_ASKED = 500
const LOAD_TIMEOUT_MS = 10 * 60_000
const RATE = 5_000
const RATE_CONNECTIONS = 10
const TOP_RATE = 500
const READABLE_SAMPLES = 400
const WARM_UP_SECONDS = 3

const columns = [
  { name: 'carrier', type: 'string', nullable: false },
  { name: 'hour', type: 'timestamp', nullable: false },
  { name: 'departures', type: 'bigint', nullable: false },
  { name: 'delayed', type: 'bigint', nullable: false },
  { name: 'delay_minutes_sum', type: 'bigint', nullable: false },
  { name: 'delay_minutes_avg', type: 'double', nullable: false },
]
const keyed = { key: ['carrier', 'hour'], columns }
const ranked = { ...keyed, time: 'hour', ranked: ['departures'] }

/** Results alone: changelogs written by the benchmark, a service of its own, Redis. */
export async function benchResults(bench: Bench): Promise<Figure[]> {
  const { rows, connections, lookupSeconds } = bench.options
  const kafka = await connectTestKafka()
  const redis = connectTestRedis(DATABASE)
  const usedBytes = async () => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
  const applications: FakeApplication[] = []
  let service: ServiceProcess | undefined
  const write = (
    views: ConstructorParameters<typeof FakeApplication>[1],
    partitions: number,
    count: number,
  ) =>
    step(`Writing changelogs of ${count} rows in ${partitions} partitions`, async () => {
      const application = new FakeApplication(kafka, views, partitions)
      applications.push(application)
      await application.publish()
      for (const view of Object.keys(views)) {
        for (let from = 0; from < count; from += CHUNK_ROWS) {
          const numbers = Array.from(
            { length: Math.min(CHUNK_ROWS, count - from) },
            (_, i) => from + i,
          )
          await application.append(
            view,
            numbers.map((number) => entry(number, 1)),
          )
        }
        await application.position(view, 1)
      }
      return application
    })
  try {
    const large = await write({ ranked }, 4, rows)
    service = await ServiceProcess.start(
      'results',
      environment(DATABASE, { KAPPA_LOG_LEVEL: 'warn' }),
      join(bench.folder, 'results.log'),
    )
    const { url } = service
    const ready = (application: FakeApplication, view: string) =>
      waitFor(
        `rows of ${view}`,
        async () =>
          (await fetch(`${url}/v1/views/${application.name}/${view}?limit=1`)).ok
            ? true
            : undefined,
        LOAD_TIMEOUT_MS,
      )
    await step('Loading them', () => ready(large, 'ranked'))
    const emptyBytes = await (async () => {
      await redis.flushdb('SYNC')
      return usedBytes()
    })()
    const rebuiltMs = await step('Rebuilding them', async () => {
      const begun = performance.now()
      await ready(large, 'ranked')
      return performance.now() - begun
    })
    const rankedBytes = (await usedBytes()) - emptyBytes
    const paths = Array.from({ length: KEYS_ASKED }, (_, index) => {
      const { carrier, hour } = row(Math.floor((index * rows) / KEYS_ASKED))
      return `/v1/views/${large.name}/ranked/rows/${carrier},${hour}`
    })
    const bodies = await Promise.all(paths.map(async (path) => (await fetch(url + path)).text()))
    const bare = await startBareServer(bench, bodies)
    const barePaths = paths.map((_, index) => `/rows/${index}`)
    const figures: Figure[] = []
    try {
      const closed = { connections, duration: lookupSeconds }
      const kappa = await step('Lookups', () => load(url, paths, closed))
      const peer = await step('Lookups in a bare server', () => load(bare.url, barePaths, closed))
      figures.push({
        what: `one row by key, of ${rows}`,
        value: kappa.perSecond,
        unit: 'lookups/s',
        peer: { what: 'bare fastify + Redis GET', value: peer.perSecond, unit: 'lookups/s' },
        note: `${connections} connections, ${bodies[0]?.length} bytes; p99 ${kappa.p99Ms} and ${peer.p99Ms} ms`,
      })
      const paced = { connections: RATE_CONNECTIONS, duration: lookupSeconds, overallRate: RATE }
      const steady = await step('Lookups at a rate', () => load(url, paths, paced))
      const steadyPeer = await step('Lookups at a rate in a bare server', () =>
        load(bare.url, barePaths, paced),
      )
      figures.push({
        what: `one row by key at ${RATE}/s, p99`,
        value: steady.p99Ms,
        unit: 'ms',
        peer: { what: 'bare fastify + Redis GET', value: steadyPeer.p99Ms, unit: 'ms' },
        note: `${Math.round(steady.perSecond)} and ${Math.round(steadyPeer.perSecond)} answers/s came; p50 ${steady.p50Ms} and ${steadyPeer.p50Ms} ms`,
      })
    } finally {
      await bare.stop()
    }
    const top = [`/v1/views/${large.name}/ranked?order=-departures&limit=100`]
    const topSteady = await step('Top 100 at a rate', () =>
      load(url, top, {
        connections: RATE_CONNECTIONS,
        duration: lookupSeconds,
        overallRate: TOP_RATE,
      }),
    )
    figures.push({
      what: `top 100 of ${rows} at ${TOP_RATE}/s, p99`,
      value: topSteady.p99Ms,
      unit: 'ms',
      note: `${Math.round(topSteady.perSecond)} answers/s came; p50 ${topSteady.p50Ms} ms`,
    })
    const readable = await step('Changelog to readable', () => readableMs(large, url))
    figures.push(
      ...[0.5, 0.99].map((part) => ({
        what: `changelog to readable, p${part * 100}`,
        value: percentile(readable, part),
        unit: 'ms',
      })),
      {
        what: 'rebuild after a flush',
        value: rows / (rebuiltMs / 1_000),
        unit: 'rows/s',
        note: `${rows} rows in ${formatSeconds(rebuiltMs)}; four partitions, three indexes`,
      },
    )
    await redis.flushdb('SYNC')
    const before = await usedBytes()
    const plainRows = Math.min(rows, 200_000)
    const single = await write({ keyed }, 1, plainRows)
    await Promise.all([ready(single, 'keyed'), ready(large, 'ranked')])
    const keyedBytes = (await usedBytes()) - before - rankedBytes
    figures.push(
      {
        what: 'memory of a row with its key index',
        value: keyedBytes / plainRows,
        unit: 'bytes',
        note: `rows of ${JSON.stringify(row(0)).length} bytes`,
      },
      {
        what: 'memory of each further index entry',
        value: (rankedBytes / rows - keyedBytes / plainRows) / 2,
        unit: 'bytes',
      },
    )
    const spread = await write({ keyed }, 64, plainRows)
    await ready(spread, 'keyed')
    for (const [application, partitions] of [
      [single, 1],
      [spread, 64],
    ] as const) {
      const base = `/v1/views/${application.name}/keyed`
      const lookups = Array.from({ length: KEYS_ASKED }, (_, index) => {
        const { carrier, hour } = row(index * 7)
        return `${base}/rows/${carrier},${hour}`
      })
      const closed = { connections, duration: Math.min(lookupSeconds, 5) }
      const one = await step(`Lookups in ${partitions} partitions`, () =>
        load(url, lookups, closed),
      )
      const page = await step(`Pages over ${partitions} partitions`, () =>
        load(url, [`${base}?limit=100`], closed),
      )
      figures.push({
        what: `one row by key, ${partitions} partitions`,
        value: one.perSecond,
        unit: 'lookups/s',
        note: `p99 ${one.p99Ms} ms; a page of 100 rows: ${Math.round(page.perSecond)}/s, p99 ${page.p99Ms} ms`,
      })
    }
    return figures
  } finally {
    await service?.stop()
    await Promise.all(applications.map((application) => application.close()))
    await redis.quit()
    await kafka.close()
  }
}

function row(number: number) {
  const hour = new Date(Date.UTC(2010, 0, 1, Math.floor(number / CARRIERS))).toISOString()
  return {
    carrier: `C${number % CARRIERS}`,
    hour: `${hour.slice(0, 19)}.000000Z`,
    departures: (number * 7_919) % 100_003,
    delayed: number % 50,
    delay_minutes_sum: (number * 31) % 5_000,
    delay_minutes_avg: ((number * 17) % 1_000) / 7,
  }
}

function entry(number: number, batch: number) {
  const written = row(number)
  return { key: [written.carrier, written.hour], batch, row: written }
}

/** From the broker's acknowledgement of a changelog record to the answer that has it. */
async function readableMs(application: FakeApplication, url: string): Promise<number[]> {
  const waits: number[] = []
  for (let sample = 1; sample <= READABLE_SAMPLES; sample += 1) {
    const { key, row: written } = entry(sample, 1 + sample)
    const changed = { ...written, delayed: 1_000_000 + sample }
    await application.append('ranked', [{ key, batch: 1 + sample, row: changed }])
    const since = performance.now()
    for (;;) {
      const answer = await fetch(`${url}/v1/views/${application.name}/ranked/rows/${key.join(',')}`)
      const body = (await answer.json()) as { row: { delayed: number } }
      if (body.row.delayed === changed.delayed) break
    }
    waits.push(performance.now() - since)
    await delay(5)
  }
  return waits
}

interface Load {
  readonly connections: number
  /** Seconds. */
  readonly duration: number
  readonly overallRate?: number
}

/** @throws Error when any answer is not 200 */
async function load(url: string, paths: readonly string[], options: Load) {
  const requests = paths.map((path) => ({ method: 'GET' as const, path }))
  const shoot = (duration: number) =>
    autocannon({ url, pipelining: 1, requests, ...options, duration })
  await shoot(WARM_UP_SECONDS)
  const result = await shoot(options.duration)
  const failed = result.non2xx + result.errors + result.timeouts
  if (failed > 0) throw new Error(`${failed} requests at ${url} failed.`)
  return {
    perSecond: result['2xx'] / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  }
}
