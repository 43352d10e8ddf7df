import { join } from 'node:path'
import type { Stack } from '@kappa/local/stack'
import { step } from '../../infra/setup/progress.mjs'
import { copyFlights } from '../platform/flights-copy.ts'
import { Platform } from '../platform/platform.ts'
import { type Publication, publishImport, sampleEvents } from '../platform/publish.ts'
import { startBenchStack } from './bench-stack.ts'
import { type Figure, formatSeconds } from './figures.ts'
import { FLIGHTS_VIEWS } from './flights-platform.ts'

const EVENTS = 1_000
const NAMESPACE = 'bench-start'

interface StartUp {
  readonly stackMs: number
  /** From the spawn of the first service. */
  readonly liveMs: number
  readonly readableMs: number
}

/**
 * Cold: nothing is there yet, and Spark loads its classes from the jars. Warm: the same installation
 * again, with the AppCDS archive.
 */
export async function benchStartUp(
  folder: string,
  signal: AbortSignal,
  onStack: (stack: Stack) => void,
): Promise<Figure[]> {
  const copy = copyFlights(join(folder, NAMESPACE), NAMESPACE)
  const events = await sampleEvents()
  const start = async (title: string, part: Publication[], archive: boolean): Promise<StartUp> => {
    const begun = performance.now()
    const { stack } = await step(`${title}: Kafka, object store, Redis`, () =>
      startBenchStack(join(folder, 'start-up'), signal, onStack),
    )
    try {
      const spawned = performance.now()
      return await step(`${title}: services, Spark, first rows`, async () => {
        const platform = await Platform.start({
          namespace: NAMESPACE,
          redisDatabase: 1,
          ...copy,
          environment: archive ? {} : { KAPPA_SPARK_ARCHIVE_FILE: '' },
        })
        try {
          await publishImport(platform.ingest.url, part, { topic: copy.topic })
          await platform.untilLive('flights')
          const live = performance.now()
          await platform.untilCurrent('flights', FLIGHTS_VIEWS)
          return {
            stackMs: spawned - begun,
            liveMs: live - spawned,
            readableMs: performance.now() - spawned,
          }
        } finally {
          await platform.stop()
        }
      })
    } finally {
      await stack.stop()
    }
  }
  const cold = await start('Cold start', events.slice(0, EVENTS), false)
  const warm = await start('Warm start', events.slice(EVENTS, 2 * EVENTS), true)
  return [figure('cold', cold), figure('warm', warm)]
}

function figure(which: string, { stackMs, liveMs, readableMs }: StartUp): Figure {
  return {
    what: `start-up ${which}, first rows of 5 views`,
    value: readableMs / 1_000,
    unit: 's',
    note: `from the spawn of the services; release live after ${formatSeconds(liveMs)}; Kafka, object store and Redis before that: ${formatSeconds(stackMs)}`,
  }
}
