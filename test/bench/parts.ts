import { join } from 'node:path'
import type { Stack } from '@kappa/local/stack'
import { step } from '../../infra/setup/progress.mjs'
import { type Bench, startBenchStack } from './bench-stack.ts'
import type { Figure } from './figures.ts'
import { startFlightsPlatform } from './flights-platform.ts'
import { benchIngest } from './ingest.ts'
import { benchLatency } from './latency.ts'
import type { BenchOptions } from './options.ts'
import { benchReplay } from './replay.ts'
import { benchReplayBesideLive } from './replay-beside-live.ts'
import { benchResident } from './resident.ts'
import { benchResults } from './results.ts'
import { benchStartUp } from './start-up.ts'

export interface RunOptions {
  readonly folder: string
  readonly signal: AbortSignal
  readonly onStack: (stack: Stack) => void
  readonly onFigures: (figures: readonly Figure[]) => void
}

/** Runs what was chosen, one part after the other, so that none disturbs another. */
export async function runParts(options: BenchOptions, run: RunOptions): Promise<void> {
  const { parts } = options
  const { folder, signal, onFigures } = run
  if (parts.has('start-up')) onFigures(await benchStartUp(folder, signal, run.onStack))
  if (parts.size === 1 && parts.has('start-up')) return
  const { stack, connection } = await step('Starting Kafka, the object store and Redis', () =>
    startBenchStack(join(folder, 'stack'), signal, run.onStack),
  )
  const bench: Bench = { options, folder, stack: connection, components: stack.components }
  // Memory and idle CPU are those of the default, so they come before what fills Kafka.
  if (parts.has('resident')) onFigures(await measureFlights(bench))
  if (parts.has('results')) onFigures(await benchResults(bench))
  if (parts.has('latency')) onFigures(await benchLatency(bench))
  if (parts.has('ingest')) onFigures(await benchIngest(bench))
  if (parts.has('replay')) onFigures(await benchReplay(bench))
  if (parts.has('replay-beside-live')) onFigures(await benchReplayBesideLive(bench))
}

async function measureFlights(bench: Bench): Promise<Figure[]> {
  const platform = await startFlightsPlatform(bench)
  try {
    return await benchResident(bench)
  } finally {
    await platform.stop()
  }
}
