import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ensureSparkArchive } from '@kappa/local/spark'
import { type Stack, startStack } from '@kappa/local/stack'
import { Platform, type PlatformOptions } from '../platform/platform.ts'
import type { TestStack } from '../stack.ts'
import type { BenchOptions } from './options.ts'

const REDIS_MEMORY_MB_MAX = 12_288

/** What a part of the benchmark is given. */
export interface Bench {
  readonly options: BenchOptions
  /** Of this run; removed at its end. */
  readonly folder: string
  readonly stack: TestStack
  readonly components: Stack['components']
}

/**
 * Starts Kafka, the object store and Redis with the data in a folder, and makes them the ones that
 * `Platform.start` uses.
 */
export async function startBenchStack(
  stateFolder: string,
  signal: AbortSignal,
  onStack: (stack: Stack) => void,
): Promise<{ stack: Stack; connection: TestStack }> {
  mkdirSync(stateFolder, { recursive: true })
  const stack = await startStack({ stateFolder, signal, redisMemoryMbMax: REDIS_MEMORY_MB_MAX })
  onStack(stack)
  const connection: TestStack = {
    ...stack.connection,
    sparkJarsFolder: stack.components.sparkJarsFolder,
    kafkaJarsFolder: stack.components.kafkaJarsFolder,
    sparkArchiveFile: await ensureSparkArchive(stack.components),
    java: stack.components.java,
    stateFolder,
  }
  process.env.KAPPA_TEST_STACK = JSON.stringify(connection)
  return { stack, connection }
}

const benchFolder = join(import.meta.dirname, 'application')
export const benchTopic = 'bench.events'

/** The benchmark's own application; without it, ingest alone has something to do. */
export function startBenchPlatform(
  bench: Bench,
  options: Pick<PlatformOptions, 'namespace' | 'redisDatabase'> & { application: boolean },
): Promise<Platform> {
  const { namespace, redisDatabase, application } = options
  const none = join(bench.folder, 'no-applications')
  mkdirSync(none, { recursive: true })
  return Platform.start({
    namespace,
    redisDatabase,
    applicationsFolder: application ? join(benchFolder, 'applications') : none,
    schemasFolder: join(benchFolder, 'schemas'),
  })
}

/** An event of `bench.events`, 200 bytes as JSON. */
export function benchEvent(number: number, atMs: number): string {
  const event = {
    event_id: `${String(number).padStart(12, '0')}-${atMs}`,
    device: `device-${String(number % 100).padStart(3, '0')}`,
    at: new Date(atMs).toISOString(),
    value: 100_000 + (number % 900_000),
    note: '',
  }
  const bare = JSON.stringify(event)
  return JSON.stringify({ ...event, note: 'x'.repeat(EVENT_BYTES - bare.length) })
}

export const EVENT_BYTES = 200
