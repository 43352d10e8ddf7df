import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { step } from '../../infra/setup/progress.mjs'
import { copyFlights, keepViews } from '../platform/flights-copy.ts'
import { waitFor } from '../platform/wait.ts'
import { startBenchSpark } from './bench-spark.ts'
import type { Bench } from './bench-stack.ts'
import { countDepartures, fillTopic } from './catch-up-topic.ts'
import { countedDepartures, createTopic } from './changelogs.ts'
import type { Figure } from './figures.ts'
import { KafkaStreamsPeer } from './kafka-streams.ts'
import { type ReplayTimes, replayFigures } from './replay-figures.ts'
import { type ReplayLog, ReplayRuns, replayLog } from './replay-runs.ts'

const NAMESPACE = 'bench-replay'
const VIEW = 'carrier_hours'
const STREAM = 'departures'
const EVENTS_PER_BATCH_MAX = 1_000_000
const CHANGELOG_PARTITIONS = 2
const EVENTS_MAX = 20_000_000
const COUNT_TIMEOUT_MS = 15_000

/**
 * A replay of one view beside the same query as a batch job and as a Kafka Streams program, in turn,
 * and replays of a shorter and a longer log: whether the time grows linearly.
 */
export async function benchReplay(bench: Bench): Promise<Figure[]> {
  const { events, rounds } = bench.options
  const log = await writeLog(bench, events)
  const { spark: size } = log
  const brokers = bench.stack.kafkaBrokers
  const spark = await step('Starting Spark', () => startBenchSpark(bench, NAMESPACE, size))
  const peer = await step('Starting Kafka Streams', () =>
    KafkaStreamsPeer.start(bench, { ...log, memory: size.memory }),
  )
  try {
    const runs = await ReplayRuns.open(spark, brokers)
    const times: ReplayTimes = { replays: [], batches: [], streams: [], sizes: [] }
    const replay = (target: ReplayLog) =>
      measure('Replay', target, (topic) => runs.replay(target, topic, EVENTS_PER_BATCH_MAX))
    for (let round = 1; round <= rounds; round++) {
      times.replays.push(await replay(log))
      times.batches.push(await measure('Batch job', log, (topic) => runs.batch(log, topic)))
      if (!peer) continue
      times.streams.push(await measure('Kafka Streams', log, (topic) => peer.run(topic)))
    }
    for (const part of [1 / 3, 10 / 3]) {
      const other = await writeLog(bench, Math.min(Math.round(events * part), EVENTS_MAX))
      times.sizes.push({ events: other.events, ms: await replay(other) })
    }
    return replayFigures(log.events, times)
  } finally {
    await peer?.stop()
    await spark.stop()
  }

  /** Each run writes to a topic of its own; its rows must count every event. */
  function measure(
    what: string,
    { events }: ReplayLog,
    run: (changelog: string) => Promise<number>,
  ): Promise<number> {
    return step(`${what}, ${events} events`, async () => {
      const topic = `${NAMESPACE}.${randomUUID()}`
      await createTopic(brokers, { topic, partitions: CHANGELOG_PARTITIONS })
      const ms = await run(topic)
      // A transaction is committed before its records can be read.
      await waitFor(
        `rows that count every event (${what})`,
        async () => (await countedDepartures(brokers, topic)) === events || undefined,
        COUNT_TIMEOUT_MS,
      )
      return ms
    })
  }
}

async function writeLog(bench: Bench, wanted: number): Promise<ReplayLog> {
  const prefix = `${NAMESPACE}-${wanted}`
  const copy = copyFlights(join(bench.folder, prefix), prefix)
  keepViews(copy, [VIEW])
  const events = await step(`Writing a log of ${wanted} events`, async (report) => {
    const { schemasFolder } = copy
    const flights = await countDepartures(bench.options.flightsCsv)
    const options = { ...bench.options, events: wanted }
    const topic = copy.topic('flights.departures')
    return fillTopic({ ...bench, options }, { schemasFolder, topic, flights }, report)
  })
  return replayLog(copy, { view: VIEW, stream: STREAM, events })
}
