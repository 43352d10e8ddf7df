import type { ExpectedState, StateStore } from '@kappa/replay/spark/state-store'
import { type Figure, formatSeconds, percentile } from './figures.ts'
import type { ReplayRun } from './replay-runs.ts'

/** In the order of the rounds, in milliseconds; the first of each was on a JVM just started. */
export interface ReplayTimes {
  /** With the state store that a plan chooses. */
  readonly replays: ReplayRun[]
  readonly rocksdb: ReplayRun[]
  readonly batches: number[]
  /** Empty where there is no peer. */
  readonly streams: number[]
  /** Replays of logs of several sizes, each on a Spark of its own that was warmed up. */
  readonly sizes: {
    readonly events: number
    readonly ms: number
    readonly store: StateStore
  }[]
}

export function replayFigures(
  events: number,
  times: ReplayTimes,
  { store, expected }: { store: StateStore; expected: ExpectedState },
): Figure[] {
  const { batches, streams, sizes } = times
  const replays = times.replays.map(({ ms }) => ms)
  const rocksdb = times.rocksdb.map(({ ms }) => ms)
  const last = times.replays.at(-1)
  const unit = 'events/s'
  const rate = (ms: number, count = events) => count / (ms / 1_000)
  const warm = (runs: readonly number[]) => percentile(runs.length > 1 ? runs.slice(1) : runs, 0.5)
  const listed = (runs: readonly number[]) => runs.map((ms) => formatSeconds(ms)).join(', ')
  const job = 'the same query as a batch job'
  const program = 'Kafka Streams, exactly_once_v2, RocksDB'
  const value = rate(warm(replays))
  const cold = rate(replays[0] ?? Number.NaN)
  return [
    {
      what: 'replay warm',
      value,
      unit,
      peer: { what: job, value: rate(warm(batches)), unit },
      note: `${events} events in ${last?.batches} batches; state in ${store}: ${expected.live} rows live, ${Math.round(expected.catchUp)} expected meanwhile; replay ${listed(replays)}; batch ${listed(batches)}`,
    },
    ...(rocksdb.length === 0
      ? []
      : [
          {
            what: 'replay warm, state in RocksDB',
            value: rate(warm(rocksdb)),
            unit,
            peer: { what: job, value: rate(warm(batches)), unit },
            note: listed(rocksdb),
          },
        ]),
    streams.length === 0
      ? {
          what: 'replay warm (2)',
          value,
          unit,
          note: 'no Kafka Streams: Java has no compiler; install a JDK',
        }
      : {
          what: 'replay warm (2)',
          value,
          unit,
          peer: { what: program, value: rate(warm(streams)), unit },
          note: `from its first record to its last commit ${listed(streams)}`,
        },
    {
      what: 'replay cold',
      value: cold,
      unit,
      peer: { what: job, value: rate(batches[0] ?? Number.NaN), unit },
      note: 'each the first of its kind on a Spark just started',
    },
    ...sizes.map((size) => ({
      what: `replay of ${size.events} events`,
      value: rate(size.ms, size.events),
      unit,
      peer: {
        what: `replay of ${sizes[0]?.events} events`,
        value: rate(sizes[0]?.ms ?? Number.NaN, sizes[0]?.events),
        unit,
      },
      note: `state in ${size.store}, ${formatSeconds(size.ms)}`,
    })),
  ]
}
