import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { percentile } from './figures.ts'

export interface SteadyLoadOptions {
  readonly url: string
  readonly paths: readonly string[]
  /** Requests a second. */
  readonly rate: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

export interface SteadyLoad {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/**
 * GETs at a steady rate, evenly spread, whatever the answers do: each latency counts from when the
 * request was due, so that a server that stands still is not asked less. In a thread of its own,
 * whose garbage is not the benchmark's.
 * @throws Error when any answer is not 200
 */
export async function steadyLoad(options: SteadyLoadOptions): Promise<SteadyLoad> {
  const worker = new Worker(join(import.meta.dirname, 'steady-load-thread.ts'), {
    workerData: options,
  })
  const [latencies] = (await once(worker, 'message')) as [Float64Array]
  return {
    perSecond: latencies.length / options.seconds,
    p50Ms: percentile([...latencies], 0.5),
    p99Ms: percentile([...latencies], 0.99),
  }
}
