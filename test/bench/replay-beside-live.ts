import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { step } from '../../infra/setup/progress.mjs'
import { copyFlights, keepViews } from '../platform/flights-copy.ts'
import { Platform } from '../platform/platform.ts'
import { waitFor } from '../platform/wait.ts'
import { Replays, readAllTheTime } from '../replays/replays.ts'
import type { Bench } from './bench-stack.ts'
import { countDepartures, fillTopic } from './departures-log.ts'
import { type Figure, formatSeconds, percentile } from './figures.ts'
import { departure, LiveEvents } from './live-events.ts'
import { descendants, sumByName } from './processes.ts'

const NAMESPACE = 'bench-beside'
const APPLICATION = 'flights'
const VIEW = 'carrier_hours'
const CATCH_UP_TIMEOUT_MS = 20 * 60_000
const RECOVERY_TIMEOUT_MS = 300_000
const READ_EVERY_MS = 2
const PROGRESS_POLL_MS = 2_000
const REPLAY_CPU_PERCENT_MAX = 2
const SWITCH_MS_MAX = 100
const AROUND_SWITCH_MS = 1_000

/**
 * The whole platform: it reads a long log, then live events flow while the log is replayed, the
 * replay is promoted and rolled back, and Spark and replay are killed.
 */
export async function benchReplayBesideLive(bench: Bench): Promise<Figure[]> {
  const { options } = bench
  const copy = copyFlights(join(bench.folder, NAMESPACE), NAMESPACE)
  keepViews(copy, [VIEW])
  const topic = copy.topic('flights.departures')
  const events = await step(`Writing a log of ${options.events} events`, async (report) =>
    fillTopic(
      bench,
      {
        schemasFolder: copy.schemasFolder,
        topic,
        flights: await countDepartures(options.flightsCsv),
      },
      report,
    ),
  )
  const begun = performance.now()
  const platform = await Platform.start({ namespace: NAMESPACE, redisDatabase: 5, ...copy })
  try {
    const firstMs = await step('The platform reads it', async () => {
      await platform.untilLive(APPLICATION)
      await platform.untilCurrent(APPLICATION, [VIEW], CATCH_UP_TIMEOUT_MS)
      return performance.now() - begun
    })
    const replays = new Replays(platform)
    const view = { application: APPLICATION, view: VIEW }
    const live = new LiveEvents(platform, topic, view, departure)
    const flow = (work: Promise<unknown>) => live.during(work, options.eventsPerSecond)
    await step('Live events, to warm up', () => flow(delay(options.warmUpSeconds * 1_000)))
    const careBegan = { ms: performance.now(), seconds: ownCpuSeconds(platform.replay.pid) }
    const alone = await step('Live events alone', () => flow(delay(options.latencySeconds * 1_000)))
    const carePerMs =
      (ownCpuSeconds(platform.replay.pid) - careBegan.seconds) / (performance.now() - careBegan.ms)
    const run = replay(replays)
    const beside = await step('Live events beside a replay', () => flow(run))
    const switches: Switched[] = []
    await step('Live events while it is promoted and rolled back', () =>
      flow(
        (async () => {
          switches.push(await switched(platform, () => replays.promote(`${APPLICATION}-2`)))
          switches.push(await switched(platform, () => replays.rollBack(APPLICATION)))
        })(),
      ),
    )
    const recoveries: Recovery[] = []
    await step('Live events while Spark and replay are killed', () =>
      flow(
        (async () => {
          recoveries.push(await recovery(platform, 'Spark', () => killSpark(platform)))
          recoveries.push(await recovery(platform, 'replay', () => restartReplay(platform)))
        })(),
      ),
    )
    return figures({
      events,
      firstMs,
      alone,
      beside,
      run: await run,
      carePerMs,
      switches,
      recoveries,
    })
  } finally {
    await platform.stop()
  }
}

interface Run {
  readonly ms: number
  /** The most that its progress told. */
  readonly eventsPerSecond: number
  readonly stateStore: string
  /** CPU seconds by process, meanwhile. */
  readonly cpu: readonly { readonly name: string; readonly value: number }[]
}

async function replay(replays: Replays): Promise<Run> {
  const before = new Map(descendants().map(({ pid, ownCpuSeconds }) => [pid, ownCpuSeconds]))
  const gone = new Map<number, ReturnType<typeof descendants>[number]>()
  const begun = performance.now()
  const { id } = await replays.create({ application: APPLICATION, promote: 'manual' })
  const over = new AbortController()
  let fastest = 0
  // A cluster that has ended cannot be asked any more what it took.
  const sampling = (async () => {
    while (!over.signal.aborted) {
      for (const found of descendants()) gone.set(found.pid, found)
      const { progress } = await replays.get(id)
      fastest = Math.max(fastest, progress?.events_per_second ?? 0)
      await delay(PROGRESS_POLL_MS)
    }
  })()
  const status = await replays.until(id, ['ready'])
  over.abort()
  await sampling
  assert.equal(status.comparison?.verdict, 'equal')
  return {
    ms: performance.now() - begun,
    eventsPerSecond: fastest,
    stateStore: status.plan?.state_store ?? 'unknown',
    cpu: sumByName(
      [...gone.values()],
      ({ pid, ownCpuSeconds }) => ownCpuSeconds - (before.get(pid) ?? 0),
    ),
  }
}

function ownCpuSeconds(pid: number): number {
  return descendants().find((found) => found.pid === pid)?.ownCpuSeconds ?? Number.NaN
}

interface Switched {
  readonly frozenMs: number
  /** From the last answer of the one release to the first of the other. */
  readonly gapMs: number
  readonly longestGapMs: number
  /** Of as long a time without a switch. */
  readonly longestGapWithoutMs: number
  readonly answers: number
}

/** What readers see of a switch: it ends when results answers with the other release. */
async function switched(platform: Platform, work: () => Promise<unknown>): Promise<Switched> {
  const begun = performance.now()
  const reader = readAllTheTime(platform, APPLICATION, VIEW, READ_EVERY_MS)
  await delay(AROUND_SWITCH_MS)
  const before = (await platform.page(APPLICATION, VIEW, 'limit=1')).meta.release
  const outcome = (await work()) as { frozen_ms: number | null }
  await waitFor(
    'answers of the other release',
    async () =>
      (await platform.page(APPLICATION, VIEW, 'limit=1')).meta.release === before
        ? undefined
        : true,
    RECOVERY_TIMEOUT_MS,
  )
  await delay(AROUND_SWITCH_MS)
  const { problems, longestGapMs, switchGapsMs, answers } = await reader.stop()
  assert.deepEqual(problems, [])
  const took = performance.now() - begun
  const without = readAllTheTime(platform, APPLICATION, VIEW, READ_EVERY_MS)
  await delay(took)
  return {
    frozenMs: outcome.frozen_ms ?? Number.NaN,
    gapMs: switchGapsMs[0] ?? Number.NaN,
    longestGapMs,
    longestGapWithoutMs: (await without.stop()).longestGapMs,
    answers,
  }
}

interface Recovery {
  readonly what: string
  readonly ms: number
}

/** From the kill to the first new batch. */
async function recovery(
  platform: Platform,
  what: string,
  kill: () => Promise<void>,
): Promise<Recovery> {
  const batch = async () => {
    const { releases } = (await new Replays(platform).request(
      'GET',
      `/v1/applications/${APPLICATION}`,
    )) as { releases: { state: string; views: { position: { batch: number } }[] }[] }
    return releases.find(({ state }) => state === 'live')?.views[0]?.position.batch ?? -1
  }
  const before = await batch()
  const begun = performance.now()
  await kill()
  await waitFor(
    `a new batch after ${what} was killed`,
    async () => ((await batch().catch(() => -1)) > before ? true : undefined),
    RECOVERY_TIMEOUT_MS,
  )
  return { what, ms: performance.now() - begun }
}

async function killSpark(platform: Platform): Promise<void> {
  process.kill(platform.sparkPid(APPLICATION, 1), 'SIGKILL')
}

async function restartReplay(platform: Platform): Promise<void> {
  await platform.replay.kill()
  platform.replay = await platform.startService('replay')
}

interface Measured {
  readonly events: number
  readonly firstMs: number
  readonly alone: readonly number[]
  readonly beside: readonly number[]
  readonly run: Run
  /** CPU seconds that replay takes for the live release in one millisecond. */
  readonly carePerMs: number
  readonly switches: readonly Switched[]
  readonly recoveries: readonly Recovery[]
}

function figures(measured: Measured): Figure[] {
  const { events, firstMs, alone, beside, run, carePerMs, switches, recoveries } = measured
  const total = run.cpu.reduce((sum, { value }) => sum + value, 0)
  const service = run.cpu.find(({ name }) => name === 'replay')?.value ?? Number.NaN
  const care = run.ms * carePerMs
  const p = (latencies: readonly number[], part: number) => percentile(latencies, part)
  return [
    {
      what: 'platform, from its start to readable',
      value: events / (firstMs / 1_000),
      unit: 'events/s',
      note: `${events} events in ${formatSeconds(firstMs)}, the start of all services and Spark included`,
    },
    {
      what: 'replay, from its request to ready',
      value: run.ms / 1_000,
      unit: 's',
      note: `state in ${run.stateStore}; at most ${Math.round(run.eventsPerSecond)} events/s while live events flow`,
    },
    ...[0.5, 0.99].map((part) => ({
      what: `accepted to readable beside a replay, p${part * 100}`,
      value: p(beside, part),
      unit: 'ms',
      peer: { what: 'without a replay', value: p(alone, part), unit: 'ms' },
      ...(part === 0.5 ? { note: `${beside.length} and ${alone.length} events` } : {}),
    })),
    {
      what: "the replay service's share of the CPU time, for the replay",
      value: ((service - care) / total) * 100,
      unit: '%',
      peer: { what: 'the bound', value: REPLAY_CPU_PERCENT_MAX, unit: '%' },
      note: `${run.cpu.map(({ name, value }) => `${name} ${value.toFixed(1)} s`).join(', ')}; of replay's, ${care.toFixed(1)} s for the live release, at the rate of the time before`,
    },
    ...['promoted', 'rolled back'].flatMap((what, index) => {
      const seen = switches[index]
      if (!seen) return []
      return [
        {
          what: `${what}, from the last answer of the one release to the first of the other`,
          value: seen.gapMs,
          unit: 'ms',
          peer: { what: 'the aim', value: SWITCH_MS_MAX, unit: 'ms' },
          note: `${seen.answers} answers; rows stood still for ${seen.frozenMs} ms`,
        },
        {
          what: `${what}, the longest wait of a reader`,
          value: seen.longestGapMs,
          unit: 'ms',
          peer: { what: 'without a switch', value: seen.longestGapWithoutMs, unit: 'ms' },
        },
      ]
    }),
    ...recoveries.map(({ what, ms }) => ({
      what: `${what} killed, to the next batch`,
      value: ms / 1_000,
      unit: 's',
    })),
  ]
}
