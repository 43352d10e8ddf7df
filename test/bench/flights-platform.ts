import { join } from 'node:path'
import { step } from '../../infra/setup/progress.mjs'
import { copyFlights } from '../platform/flights-copy.ts'
import { Platform } from '../platform/platform.ts'
import { publishImport, sampleEvents } from '../platform/publish.ts'
import type { Bench } from './bench-stack.ts'

export const FLIGHTS_VIEWS = [
  'carrier_hours',
  'route_delays',
  'aircraft_places',
  'carrier_days',
  'turnarounds',
]

/** What `npm start` runs: the example application with the flights of January in its views. */
export async function startFlightsPlatform(bench: Bench): Promise<Platform> {
  const namespace = 'bench-flights'
  const copy = copyFlights(join(bench.folder, namespace), namespace)
  const platform = await step('Starting the example application', async () => {
    const started = await Platform.start({ namespace, redisDatabase: 1, ...copy })
    await started.untilLive('flights')
    return started
  })
  await step('Publishing the flights of January', async () =>
    publishImport(platform.ingest.url, await sampleEvents(), { topic: copy.topic }),
  )
  await step('Waiting until its views hold them', () =>
    platform.untilCurrent('flights', FLIGHTS_VIEWS),
  )
  return platform
}
