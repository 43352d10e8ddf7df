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
import { CHANGELOG_PARTITIONS, type ReplayLog, ReplayRuns, replayLog } from './replay-runs.ts'

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
  const { spark: size } = log
  const brokers = bench.stack.kafkaBrokers
  const spark = await step('Starting Spark', () => startBenchSpark(bench, NAMESPACE, size))
  const peer = await step('Starting Kafka Streams', () =>
    KafkaStreamsPeer.start(bench, { ...log, memory: size.memory }),
  )
  const kafka = await connectKafka({
    brokers: [brokers],
    clientId: NAMESPACE,
    requestTimeoutMs: TIMEOUT_MS,
    connectTimeoutMs: TIMEOUT_MS,
  })
  try {
    const runs = await ReplayRuns.open(spark, kafka, brokers)
    const times: ReplayTimes = { rocksdb: [], replays: [], batches: [], streams: [], sizes: [] }
    const replay = (target: ReplayLog, store: StateStore) =>
      measure(`Replay, state in ${store}`, target, (topic) => runs.replay(target, topic, store))
    let store: StateStore = 'rocksdb'
    for (let round = 1; round <= rounds; round++) {
      const first = await replay(log, 'rocksdb')
      times.rocksdb.push(first)
      // As the plan of a replay does with what the live release holds.
      store = chooseStateStore(size, 1, first.stateRows)
      times.replays.push(store === 'rocksdb' ? first : await replay(log, store))
      times.batches.push(await measure('Batch job', log, (topic) => runs.batch(log, topic)))
      if (!peer) continue
      times.streams.push(await measure('Kafka Streams', log, (topic) => peer.run(topic)))
    }
    for (const part of [1 / 3, 10 / 3]) {
      const other = await writeLog(bench, Math.min(Math.round(events * part), EVENTS_MAX))
      times.sizes.push({ events: other.events, ms: (await replay(other, store)).ms })
    }
    return replayFigures(log.events, times, store)
  } finally {
    await peer?.stop()
    await spark.stop()
    await kafka.close()
  }

  /** Each run writes to a topic of its own; its rows must count every event. */
  function measure<T>(
    what: string,
    { events }: ReplayLog,
    run: (changelog: string) => Promise<T>,
  ): Promise<T> {
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
