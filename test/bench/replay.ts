import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { connectKafka } from '@kappa/kafka/connect'
import { chooseStateStore, type StateStore } from '@kappa/replay/spark/state-store'
import { step } from '../../infra/setup/progress.mjs'
import { copyFlights, keepViews } from '../platform/flights-copy.ts'
import { waitFor } from '../platform/wait.ts'
import { startBenchSpark } from './bench-spark.ts'
import type { Bench } from './bench-stack.ts'
import { countedDepartures, createTopic } from './changelogs.ts'
import { countDepartures, fillTopic } from './departures-log.ts'
import type { Figure } from './figures.ts'
import { KafkaStreamsPeer } from './kafka-streams.ts'
import { type ReplayTimes, replayFigures } from './replay-figures.ts'
import {
  CHANGELOG_PARTITIONS,
  type ReplayLog,
  type ReplayRun,
  ReplayRuns,
  replayLog,
} from './replay-runs.ts'

const NAMESPACE = 'bench-replay'
const VIEW = 'carrier_hours'
const STREAM = 'departures'
const EVENTS_MAX = 20_000_000
const TIMEOUT_MS = 15_000

/**
 * A replay of one view beside the same query as a batch job and as a Kafka Streams program, in turn,
 * and replays of a shorter and a longer log: whether the time grows linearly.
 */
export async function benchReplay(bench: Bench): Promise<Figure[]> {
  const { events, rounds } = bench.options
  const log = await writeLog(bench, events)
  const expected = await onSpark(bench, 'live', log, (runs) =>
    measure(bench, 'A live release', log, (topic) => runs.expectedState(log, topic)),
  )
  const store = chooseStateStore(log.spark, 1, expected)
  const times: ReplayTimes = { replays: [], rocksdb: [], batches: [], streams: [], sizes: [] }
  const peer = await step('Starting Kafka Streams', () =>
    KafkaStreamsPeer.start(bench, { ...log, memory: log.spark.memory }),
  )
  try {
    await onSpark(bench, 'rounds', log, async (runs) => {
      for (let round = 1; round <= rounds; round++) {
        times.replays.push(await replay(bench, runs, log, store))
        if (store === 'memory') times.rocksdb.push(await replay(bench, runs, log, 'rocksdb'))
        const batch = (topic: string) => runs.batch(log, topic)
        times.batches.push(await measure(bench, 'Batch job', log, batch))
        if (!peer) continue
        const streams = (topic: string) => peer.run(topic)
        times.streams.push(await measure(bench, 'Kafka Streams', log, streams))
      }
    })
  } finally {
    await peer?.stop()
  }
  const short = await writeLog(bench, Math.round(events / 3))
  const long = await writeLog(bench, Math.min(Math.round((events * 10) / 3), EVENTS_MAX))
  for (const other of [short, log, long]) {
    // As many more events in the same time: as much more state.
    const more = other.events / log.events
    const state = { live: expected.live * more, catchUp: expected.catchUp * more }
    const chosen = chooseStateStore(other.spark, 1, state)
    const run = await onSpark(bench, `size-${other.events}`, log, async (runs) => {
      await replay(bench, runs, short, chosen)
      return replay(bench, runs, other, chosen)
    })
    times.sizes.push({ events: other.events, ms: run.ms, store: chosen })
  }
  return replayFigures(log.events, times, { store, expected })
}

/** A Spark of its own, in which nothing of other runs is left. */
async function onSpark<T>(
  bench: Bench,
  name: string,
  { spark: size }: ReplayLog,
  work: (runs: ReplayRuns) => Promise<T>,
): Promise<T> {
  const brokers = bench.stack.kafkaBrokers
  const spark = await step('Starting Spark', () =>
    startBenchSpark(bench, `${NAMESPACE}-${name}`, size),
  )
  const kafka = await connectKafka({
    brokers: [brokers],
    clientId: NAMESPACE,
    requestTimeoutMs: TIMEOUT_MS,
    connectTimeoutMs: TIMEOUT_MS,
  })
  try {
    return await work(await ReplayRuns.open(spark, kafka, brokers))
  } finally {
    await spark.stop()
    await kafka.close()
  }
}

function replay(
  bench: Bench,
  runs: ReplayRuns,
  log: ReplayLog,
  store: StateStore,
): Promise<ReplayRun> {
  const run = (topic: string) => runs.replay(log, topic, store)
  return measure(bench, `Replay, state in ${store}`, log, run)
}

/** Each run writes to a topic of its own; its rows must count every event. */
function measure<T>(
  { stack }: Bench,
  what: string,
  { events }: ReplayLog,
  run: (changelog: string) => Promise<T>,
): Promise<T> {
  const brokers = stack.kafkaBrokers
  return step(`${what}, ${events} events`, async () => {
    const topic = `${NAMESPACE}.${randomUUID()}`
    await createTopic(brokers, { topic, partitions: CHANGELOG_PARTITIONS })
    const measured = await run(topic)
    // A transaction is committed before its records can be read.
    await waitFor(
      `rows that count every event (${what})`,
      async () => (await countedDepartures(brokers, topic)) === events || undefined,
      TIMEOUT_MS,
    )
    return measured
  })
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
