import { join } from 'node:path'
import { step } from '../../infra/setup/progress.mjs'
import { copyFlights, type FlightsCopy, keepViews } from '../platform/flights-copy.ts'
import { Platform } from '../platform/platform.ts'
import { waitFor } from '../platform/wait.ts'
import type { Bench } from './bench-stack.ts'
import { countDepartures, fillTopic } from './catch-up-topic.ts'
import { type Figure, formatSeconds, percentile } from './figures.ts'
import { startSparkRuns } from './spark-runs.ts'

const NAMESPACE = 'bench-catch-up'
const VIEW = 'carrier_hours'
const CATCH_UP_TIMEOUT_MS = 20 * 60_000

/** A view's first read of a long log, against the same query as a batch job on the same Spark. */
export async function benchCatchUp(bench: Bench): Promise<Figure[]> {
  const { options } = bench
  const copy = copyFlights(join(bench.folder, NAMESPACE), NAMESPACE)
  keepViews(copy, [VIEW])
  const topic = copy.topic('flights.departures')
  const flights = await step('Counting the flights', () => countDepartures(options.flightsCsv))
  const events = await step('Writing the log to catch up with', (report) =>
    fillTopic(bench, { schemasFolder: copy.schemasFolder, topic, flights }, report),
  )
  const platform = await catchUp(copy, events)
  const runs = await step('Starting Spark for the peers', () =>
    startSparkRuns(bench, copy, { view: VIEW, stream: 'departures', events }),
  )
  try {
    const batches: number[] = []
    const streams: number[] = []
    for (let round = 1; round <= options.rounds; round++) {
      batches.push(await step(`Batch job, run ${round}`, () => runs.batch()))
      streams.push(await step(`Streaming query, run ${round}`, () => runs.stream(round)))
    }
    return figures(events, platform, batches, streams)
  } finally {
    await runs.stop()
  }
}

interface CaughtUp {
  /** Duration of the micro-batch that read the log. */
  readonly batchMs: number
  /** From the spawn of replay to the last row readable in results. */
  readonly readableMs: number
}

async function catchUp(copy: FlightsCopy, events: number): Promise<CaughtUp> {
  return step('The platform catches up', async () => {
    const begun = performance.now()
    const platform = await Platform.start({ namespace: NAMESPACE, redisDatabase: 5, ...copy })
    try {
      const batchMs = await waitFor(
        'the first micro-batches',
        async () => {
          const { state, cause, views } = await platform.releaseStatus('flights')
          if (state === 'failed') return Number.NaN
          const view = views[0] as (typeof views)[number] & { batch_ms: number | null }
          if (cause !== null || !view || view.position.batch < 0) return undefined
          return view.position.batch === 0 && view.batch_ms !== null ? view.batch_ms : undefined
        },
        CATCH_UP_TIMEOUT_MS,
      )
      if (Number.isNaN(batchMs)) throw new Error('The release failed.')
      await platform.untilCurrent('flights', [VIEW], CATCH_UP_TIMEOUT_MS)
      const rows = await platform.allRows('flights', VIEW)
      const counted = rows.reduce((sum, { departures }) => sum + Number(departures), 0)
      if (counted !== events) throw new Error(`The view counts ${counted} of ${events} events.`)
      return { batchMs, readableMs: performance.now() - begun }
    } finally {
      await platform.stop()
    }
  })
}

function figures(
  events: number,
  platform: CaughtUp,
  batches: readonly number[],
  streams: readonly number[],
): Figure[] {
  const rate = (ms: number) => events / (ms / 1_000)
  const listed = (runs: readonly number[]) => runs.map((ms) => formatSeconds(ms)).join(', ')
  const warm = (runs: readonly number[]) => percentile(runs.length > 1 ? runs.slice(1) : runs, 0.5)
  const job = 'the same query as a batch job'
  return [
    {
      what: 'catch-up cold',
      value: rate(platform.batchMs),
      unit: 'events/s',
      peer: { what: job, value: rate(batches[0] ?? Number.NaN), unit: 'events/s' },
      note: `${events} events, each on a Spark just started; from the spawn of the services to all rows readable ${formatSeconds(platform.readableMs)}`,
    },
    {
      what: 'catch-up warm',
      value: rate(warm(streams)),
      unit: 'events/s',
      peer: { what: job, value: rate(warm(batches)), unit: 'events/s' },
      note: `on one Spark in turn: streaming ${listed(streams)}; batch ${listed(batches)}`,
    },
  ]
}
