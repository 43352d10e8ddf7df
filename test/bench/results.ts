import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Kafka } from '@kappa/kafka/port'
import {
  connectTestKafka,
  connectTestRedis,
  environment,
  type FakeApplication,
} from '@kappa/results/test/fixture'
import type { Redis } from 'ioredis'
import { step } from '../../infra/setup/progress.mjs'
import { ServiceProcess } from '../platform/service-process.ts'
import { waitFor } from '../platform/wait.ts'
import { startBareServer } from './bare-peer.ts'
import { bareWrites } from './bare-writes.ts'
import type { Bench } from './bench-stack.ts'
import { closedLoad } from './closed-load.ts'
import { type Figure, formatSeconds, percentile } from './figures.ts'
import { entry, row, type ViewName, writeRows } from './results-rows.ts'
import { steadyLoad } from './steady-load.ts'

const DATABASE = 18
const KEYS_ASKED = 500
const LOAD_TIMEOUT_MS = 20 * 60_000
const LOOKUP_RATE = 5_000
const TOP_RATE = 500
const WARM_UP_SECONDS = 3
const READABLE_SAMPLES = 400
const SMALL_ROWS_MAX = 200_000
const KEYED_ROWS_MAX = 1_000_000
const BARE_ROWS_MAX = 500_000
const PARTITION_LOAD_SECONDS_MAX = 5

/** Results alone: changelogs written by the benchmark, a service of its own, Redis. */
export async function benchResults(bench: Bench): Promise<Figure[]> {
  const kafka = await connectTestKafka()
  const redis = connectTestRedis(DATABASE)
  const applications: FakeApplication[] = []
  let service: ServiceProcess | undefined
  try {
    service = await ServiceProcess.start(
      'results',
      environment(DATABASE, { KAPPA_LOG_LEVEL: 'warn' }),
      join(bench.folder, 'results.log'),
    )
    const { url } = service
    const run: ResultsRun = { bench, kafka, redis, url, applications }
    const { rows } = bench.options
    const ranked = await writeAndLoad(run, 'ranked', 4, rows)
    return [
      ...(await lookups(run, ranked)),
      ...(await topRows(run, ranked)),
      ...(await readable(run, ranked)),
      ...(await memoryAndRebuild(run, ranked)),
      ...(await bySpread(run)),
    ]
  } finally {
    await service?.stop()
    await Promise.all(applications.map((application) => application.close()))
    await redis.quit()
    await kafka.close()
  }
}

interface ResultsRun {
  readonly bench: Bench
  readonly kafka: Kafka
  readonly redis: Redis
  readonly url: string
  /** To be closed at the end. */
  readonly applications: FakeApplication[]
}

interface Loaded {
  readonly application: FakeApplication
  readonly view: ViewName
  readonly rows: number
  readonly path: string
}

async function writeAndLoad(
  run: ResultsRun,
  view: ViewName,
  partitions: number,
  rows: number,
): Promise<Loaded> {
  const application = await writeRows(run.kafka, view, partitions, rows)
  run.applications.push(application)
  const loaded = { application, view, rows, path: `/v1/views/${application.name}/${view}` }
  await step('Loading them', () => untilReady(run, loaded))
  return loaded
}

async function untilReady({ url }: ResultsRun, { path }: Loaded): Promise<number> {
  const begun = performance.now()
  const isThere = async () => ((await fetch(`${url}${path}?limit=1`)).ok ? true : undefined)
  await waitFor(`rows of ${path}`, isThere, LOAD_TIMEOUT_MS)
  return performance.now() - begun
}

function rowPaths({ path, rows }: Loaded): string[] {
  return Array.from({ length: KEYS_ASKED }, (_, index) => {
    const { carrier, hour } = row(Math.floor((index * rows) / KEYS_ASKED))
    return `${path}/rows/${carrier},${hour}`
  })
}

async function lookups({ bench, url }: ResultsRun, loaded: Loaded): Promise<Figure[]> {
  const { connections, lookupSeconds: seconds } = bench.options
  const paths = rowPaths(loaded)
  const bodies = await Promise.all(paths.map(async (path) => (await fetch(url + path)).text()))
  const bare = await startBareServer(bench, bodies)
  const barePaths = (route: string) => paths.map((_, index) => `/${route}/${index}`)
  const gets = { what: 'fastify + Redis GET', paths: barePaths('rows') }
  const answers = { what: 'fastify + an answer’s two reads', paths: barePaths('answers') }
  const closed = { connections, seconds }
  const steady = { rate: LOOKUP_RATE, warmUpSeconds: WARM_UP_SECONDS, seconds }
  try {
    const kappa = await step('Lookups', () => closedLoad(url, paths, closed))
    const figures: Figure[] = []
    for (const peer of [gets, answers]) {
      const other = await step(`Lookups: ${peer.what}`, () =>
        closedLoad(bare.url, peer.paths, closed),
      )
      figures.push({
        what: `one row by key, of ${loaded.rows}`,
        value: kappa.perSecond,
        unit: 'lookups/s',
        peer: { what: peer.what, value: other.perSecond, unit: 'lookups/s' },
        note: `${connections} connections, ${bodies[0]?.length} bytes; p99 ${kappa.p99Ms} and ${other.p99Ms} ms`,
      })
    }
    const hot = await step('Lookups of one key', () => closedLoad(url, paths.slice(0, 1), closed))
    figures.push({
      what: 'one row by key, always the same',
      value: hot.perSecond,
      unit: 'lookups/s',
    })
    const paced = await step('Lookups at a rate', () => steadyLoad({ url, paths, ...steady }))
    const pacedPeer = await step('Lookups at a rate in a bare server', () =>
      steadyLoad({ url: bare.url, paths: gets.paths, ...steady }),
    )
    figures.push({
      what: `one row by key at ${LOOKUP_RATE}/s, p99`,
      value: paced.p99Ms,
      unit: 'ms',
      peer: { what: gets.what, value: pacedPeer.p99Ms, unit: 'ms' },
      note: `p50 ${paced.p50Ms.toFixed(2)} and ${pacedPeer.p50Ms.toFixed(2)} ms`,
    })
    return figures
  } finally {
    await bare.stop()
  }
}

async function topRows({ bench, url }: ResultsRun, { path, rows }: Loaded): Promise<Figure[]> {
  const steady = await step('Top 100 at a rate', () =>
    steadyLoad({
      url,
      paths: [`${path}?order=-departures&limit=100`],
      rate: TOP_RATE,
      warmUpSeconds: WARM_UP_SECONDS,
      seconds: bench.options.lookupSeconds,
    }),
  )
  return [
    {
      what: `top 100 of ${rows} at ${TOP_RATE}/s, p99`,
      value: steady.p99Ms,
      unit: 'ms',
      note: `p50 ${steady.p50Ms.toFixed(2)} ms`,
    },
  ]
}

/** From the broker's acknowledgement of a changelog record to the answer that has it. */
async function readable({ url }: ResultsRun, { application, path }: Loaded): Promise<Figure[]> {
  const waits = await step('Changelog to readable', async () => {
    const samples: number[] = []
    for (let sample = 1; sample <= READABLE_SAMPLES; sample += 1) {
      const { key, row: written } = entry(sample, 1 + sample)
      const changed = { ...written, delayed: 1_000_000 + sample }
      await application.append('ranked', [{ key, batch: 1 + sample, row: changed }])
      const since = performance.now()
      for (;;) {
        const answer = await fetch(`${url}${path}/rows/${key.join(',')}`)
        const body = (await answer.json()) as { row: { delayed: number } }
        if (body.row.delayed === changed.delayed) break
      }
      samples.push(performance.now() - since)
      await delay(5)
    }
    return samples
  })
  return [0.5, 0.99].map((part) => ({
    what: `changelog to readable, p${part * 100}`,
    value: percentile(waits, part),
    unit: 'ms',
  }))
}

/** Both views are lost and come back, one after the other, beside what Redis would take at best. */
async function memoryAndRebuild(run: ResultsRun, ranked: Loaded): Promise<Figure[]> {
  const { redis } = run
  const figures: Figure[] = []
  await redis.flushdb('SYNC')
  const empty = await usedBytes(redis)
  const rankedMs = await step('Rebuilding them', () => untilReady(run, ranked))
  const rankedBytes = (await usedBytes(redis)) - empty
  figures.push(await rebuilt(run, ranked, rankedMs, 'three indexes'))
  const keyed = await writeAndLoad(run, 'keyed', 4, Math.min(ranked.rows, KEYED_ROWS_MAX))
  const withKeyed = await usedBytes(redis)
  const keys = await redis.keys(`*${keyed.application.name}/*`)
  await redis.del(...keys)
  const keyedBytes = withKeyed - (await usedBytes(redis))
  const keyedMs = await step('Rebuilding them', () => untilReady(run, keyed))
  figures.push(await rebuilt(run, keyed, keyedMs, 'the index of the keys alone'))
  const perRow = keyedBytes / keyed.rows
  return [
    ...figures,
    {
      what: 'memory of a row with its key index',
      value: perRow,
      unit: 'bytes',
      note: `rows of ${JSON.stringify(row(0)).length} bytes, keys of ${row(0).carrier.length + row(0).hour.length}`,
    },
    {
      what: 'memory of each further index entry',
      value: (rankedBytes / ranked.rows - perRow) / 2,
      unit: 'bytes',
    },
  ]
}

async function rebuilt(
  { redis }: ResultsRun,
  { view, rows }: Loaded,
  tookMs: number,
  indexes: string,
): Promise<Figure> {
  const bare = await step('The same writes by themselves', () =>
    bareWrites(redis, view, Math.min(rows, BARE_ROWS_MAX)),
  )
  return {
    what: `rebuild, ${indexes}`,
    value: rows / (tookMs / 1_000),
    unit: 'rows/s',
    peer: { what: 'the same HSET and ZADD by themselves', value: bare, unit: 'rows/s' },
    note: `${rows} rows in ${formatSeconds(tookMs)}, four partitions`,
  }
}

/** When what was removed is freed. */
async function usedBytes(redis: Redis): Promise<number> {
  const used = async () => {
    const memory = await redis.info('memory')
    if (!/lazyfree_pending_objects:0\b/.test(memory)) return undefined
    return Number(/used_memory:(\d+)/.exec(memory)?.[1])
  }
  return waitFor('Redis to have freed its memory', used, LOAD_TIMEOUT_MS)
}

async function bySpread(run: ResultsRun): Promise<Figure[]> {
  const { connections, lookupSeconds } = run.bench.options
  const rows = Math.min(run.bench.options.rows, SMALL_ROWS_MAX)
  const closed = { connections, seconds: Math.min(lookupSeconds, PARTITION_LOAD_SECONDS_MAX) }
  const figures: Figure[] = []
  for (const partitions of [1, 64]) {
    const loaded = await writeAndLoad(run, 'keyed', partitions, rows)
    const one = await step(`Lookups in ${partitions} partitions`, () =>
      closedLoad(run.url, rowPaths(loaded), closed),
    )
    const page = await step(`Pages over ${partitions} partitions`, () =>
      closedLoad(run.url, [`${loaded.path}?limit=100`], closed),
    )
    figures.push({
      what: `one row by key, of ${rows} in ${partitions} partitions`,
      value: one.perSecond,
      unit: 'lookups/s',
      note: `p99 ${one.p99Ms} ms; a page of 100 rows: ${Math.round(page.perSecond)}/s, p99 ${page.p99Ms} ms`,
    })
  }
  return figures
}
