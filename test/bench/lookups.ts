import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import autocannon from 'autocannon'
import { step } from '../../infra/setup/progress.mjs'
import type { Platform } from '../platform/platform.ts'
import type { Bench } from './bench-stack.ts'
import type { Figure } from './figures.ts'

const VIEW = 'carrier_hours'
const KEYS_MAX = 500
const REDIS_DATABASE = 15
const WARM_UP_SECONDS = 2

/** One row by its key, against the same bytes from a bare server over the same Redis. */
export async function benchLookups(bench: Bench, platform: Platform): Promise<Figure[]> {
  const { connections, lookupSeconds } = bench.options
  const rows = await platform.allRows('flights', VIEW)
  const every = Math.max(1, Math.floor(rows.length / KEYS_MAX))
  const paths = rows
    .filter((_, index) => index % every === 0)
    .slice(0, KEYS_MAX)
    .map(({ carrier, hour }) => `/v1/views/flights/${VIEW}/rows/${carrier},${hour}`)
  const bodies = await Promise.all(
    paths.map(async (path) => (await fetch(platform.results.url + path)).text()),
  )
  const bare = await startBareServer(bench, bodies)
  try {
    const barePaths = paths.map((_, index) => `/rows/${index}`)
    const run = async (url: string, all: readonly string[]) => {
      await load(url, all, connections, WARM_UP_SECONDS)
      return load(url, all, connections, lookupSeconds)
    }
    const kappa = await step('Lookups', () => run(platform.results.url, paths))
    const peer = await step('Lookups in a bare server', () => run(bare.url, barePaths))
    return [
      {
        what: 'results, one row by key',
        value: kappa.perSecond,
        unit: 'lookups/s',
        peer: { what: 'bare fastify + Redis GET', value: peer.perSecond, unit: 'lookups/s' },
        note: `${connections} connections, ${bodies[0]?.length ?? 0} bytes; p50 ${kappa.p50Ms} ms, p99 ${kappa.p99Ms} ms; bare p50 ${peer.p50Ms} ms, p99 ${peer.p99Ms} ms`,
      },
    ]
  } finally {
    await bare.stop()
  }
}

/** @throws Error when any answer is not 200 */
async function load(url: string, paths: readonly string[], connections: number, duration: number) {
  const result = await autocannon({
    url,
    connections,
    pipelining: 1,
    duration,
    requests: paths.map((path) => ({ method: 'GET', path })),
  })
  const failed = result.non2xx + result.errors + result.timeouts
  if (failed > 0) throw new Error(`${failed} lookups at ${url} failed.`)
  return {
    perSecond: result['2xx'] / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  }
}

async function startBareServer({ stack }: Bench, bodies: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'bare-server.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...process.env,
      BENCH_REDIS_URL: `${stack.redisUrl}/${REDIS_DATABASE}`,
      BENCH_REDIS_PASSWORD_FILE: stack.redisPasswordFile,
    },
  })
  const exited = once(child, 'exit')
  child.stdin.end(JSON.stringify(bodies))
  for await (const url of createInterface({ input: child.stdout })) {
    return {
      url,
      async stop() {
        child.kill('SIGTERM')
        await exited
      },
    }
  }
  throw new Error('The bare server ended without listening.')
}
