import assert from 'node:assert/strict'
import { join } from 'node:path'
import { connectKafka } from '@kappa/kafka/connect'
import type { Kafka } from '@kappa/kafka/port'
import type { SideEffect } from '@kappa/replay/control/effects'
import { hasCluster } from '@kappa/replay/control/release-states'
import type { ReplayRequest } from '@kappa/replay/replays/replay-schemas'
import { assertSameRows } from '../oracle/compare.ts'
import { Platform, type ServiceStart } from '../platform/platform.ts'
import { isStopped, runningSparks } from '../platform/processes.ts'
import { publishImport } from '../platform/publish.ts'
import { frozenSlots } from '../platform/redis.ts'
import type { ServiceProcess } from '../platform/service-process.ts'
import { waitFor } from '../platform/wait.ts'
import { type ReaderReport, RefusedError, Replays, readAllTheTime } from '../replays/replays.ts'
import { importSteadily } from '../replays/steady-import.ts'
import { testStack } from '../stack.ts'
import { type ControlRecords, positionEpochs, readControl } from './control-records.ts'
import { type FaultPoint, nameOf } from './fault-points.ts'
import {
  application,
  carriedUpTo,
  expectedRows,
  readings,
  view,
  writeReadings,
} from './readings.ts'

const main = join(import.meta.dirname, 'replay-main.ts')
const eventsAtFirst = 3_000
const eventsPerSecond = 5
const eventsMax = 100_000
/** Idle, a replay takes half a minute; beside others on two cores some minutes. */
const stepTimeoutMs = 600_000
const exitTimeoutMs = 90_000

/** One that stood still within a commit finds its request unanswered: that commit is none, too. */
const endsOfTheFenced =
  /replay failed: KafkaError: (A newer producer has the transactional id|Nothing was committed as)/

export type FaultSignal = 'SIGKILL' | 'SIGSTOP'
export type Strike = readonly [FaultSignal, FaultPoint]

export interface FaultsOptions {
  readonly namespace: string
  readonly redisDatabase: number
  /** Where it is struck first, so that replay need not be started once more for it. */
  readonly first: Strike
}

/**
 * A platform on which one replay after the other is struck by a signal at some side effect, and ended
 * by the instance that comes after; each time everything is held against what must be.
 */
export class ReplayFaults {
  readonly platform: Platform
  readonly #namespace: string
  readonly #replays: Replays
  readonly #kafka: Kafka
  readonly #topic: (name: string) => string
  readonly #events = readings(eventsMax)
  readonly #struck: ServiceProcess[] = []
  #published = 0
  #instances = 1
  /** What the replay that runs now is going to be struck at. */
  #armed: string

  private constructor(
    platform: Platform,
    kafka: Kafka,
    options: FaultsOptions,
    topic: (name: string) => string,
  ) {
    this.platform = platform
    this.#kafka = kafka
    this.#namespace = options.namespace
    this.#topic = topic
    this.#replays = new Replays(platform)
    this.#armed = armedFor(...options.first, 2)
  }

  /** Resolves when the first release is live and holds some events. */
  static async start(options: FaultsOptions): Promise<ReplayFaults> {
    const { namespace, redisDatabase } = options
    const stack = testStack()
    const files = writeReadings(join(stack.stateFolder, `${namespace}-files`), namespace)
    const platform = await Platform.start({
      namespace,
      redisDatabase,
      ...files,
      environment: {
        KAPPA_CATCH_UP_EVENTS_PER_BATCH_MAX: '2000',
        KAPPA_STANDBY_MS: '3600000',
        KAPPA_HEARTBEAT_MS: '1000',
        KAPPA_POLLING_DELAY_MS: '1000',
      },
      replay: startOf(...options.first, { release: 2, instance: 1 }),
    })
    const kafka = await connectKafka({
      brokers: [stack.kafkaBrokers],
      clientId: namespace,
      requestTimeoutMs: 10_000,
      connectTimeoutMs: 5_000,
    })
    const faults = new ReplayFaults(platform, kafka, options, files.topic)
    await platform.untilLive(application)
    await publishImport(platform.ingest.url, faults.#events.slice(0, eventsAtFirst), files)
    faults.#published = eventsAtFirst
    await platform.untilCurrent(application, [view])
    return faults
  }

  async stop(): Promise<void> {
    await Promise.all(this.#struck.map((instance) => instance.kill()))
    await this.#kafka.close()
    await this.platform.stop()
  }

  /**
   * Strikes the next replay at one point after the other, each time with another instance that takes
   * over, and asserts that in the end all is as if nothing had happened.
   * @param chain points that the instance which takes over comes to
   * @param next where the replay after this one is struck first
   */
  async pass(signal: FaultSignal, chain: readonly FaultPoint[], next?: Strike): Promise<void> {
    await this.#clear()
    const { releases, pointers } = await this.#control()
    const release = Math.max(...releases.keys()) + 1
    const old = pointers.get(application)?.release as number
    const [first] = chain
    if (first) await this.#arm([signal, first], release)
    const begun = performance.now()
    const secondsNow = () => `${((performance.now() - begun) / 1_000).toFixed(1)} s`
    const isCancel = chain.some(({ effect }) => effect === 'remove release')
    const live = isCancel ? old : release
    const struck = this.#struck
    const report = await this.#underLoad(async () => {
      for (const [index, point] of chain.entries()) {
        const instance = this.platform.replay
        await this.#untilStruck(instance, signal, this.#ask(chain, release))
        console.log(`  ${signal} ${nameOf(point)}: struck after ${secondsNow()}`)
        struck.push(instance)
        const then = chain[index + 1]
        await (then
          ? this.#startReplay([signal, then], release)
          : this.#startReplay(next, release + 1))
      }
      await this.#ask(chain, release)
      if (isCancel) await this.#untilRemoved(release)
      else await this.#replays.until(`${application}-${release}`, ['live'], stepTimeoutMs)
      console.log(`  ended by the last instance after ${secondsNow()}`)
    })
    assert.deepEqual(report.problems, [], 'what readers saw')
    assert.deepEqual(report.releases, isCancel ? [old] : [old, release])
    await this.#assertUnfrozen()
    if (!isCancel) await this.#retire(old)
    await this.#assertAllRight(live)
    for (const instance of struck.splice(0)) {
      if (signal === 'SIGSTOP') await this.#letGo(instance, live)
    }
    console.log(`  proven after ${secondsNow()}`)
  }

  /** While events are published and a reader reads; the view is current afterwards. */
  async #underLoad(work: () => Promise<void>): Promise<ReaderReport> {
    const reader = readAllTheTime(this.platform, application, view, 50)
    const rest = this.#events.slice(this.#published)
    const load = importSteadily(() => this.platform.ingest.url, rest, {
      topic: this.#topic,
      eventsPerSecond,
    })
    try {
      await work().finally(async () => {
        this.#published += await load.stop()
      })
      await this.platform.untilCurrent(application, [view])
    } finally {
      await reader.stop()
    }
    return reader.stop()
  }

  /** Ends what an earlier pass that failed may have left beside the live release. */
  async #clear(): Promise<void> {
    await Promise.all(this.#struck.splice(0).map((instance) => instance.kill()))
    const { releases, pointers } = await this.#control()
    const live = pointers.get(application)?.release
    for (const { release, state, removed } of releases.values()) {
      if (release === live || removed) continue
      if (['standby', 'retained', 'failed'].includes(state)) await this.#retire(release)
      else if (state !== 'retired') await this.#replays.cancel(`${application}-${release}`)
      await this.#untilRemoved(release)
    }
  }

  /** Again with the same key, as a client does that has got no answer. */
  async #ask(chain: readonly FaultPoint[], release: number): Promise<void> {
    const comesTo = (wanted: SideEffect) => chain.some(({ effect }) => effect === wanted)
    const isCancel = comesTo('remove release')
    const request: ReplayRequest = {
      application,
      promote: isCancel ? 'manual' : 'if-equal',
      ...(comesTo('carry rows') ? { from: { timestamp: carriedUpTo }, carry: true } : {}),
    }
    const { id } = await this.#replays.create(request, `replay ${release}`)
    assert.equal(id, `${application}-${release}`)
    if (!isCancel) return
    await this.#replays.until(id, ['catching_up', 'comparing', 'ready', 'cancelled'], stepTimeoutMs)
    await this.#replays.cancel(id)
  }

  async #untilStruck(replay: ServiceProcess, signal: FaultSignal, asked: Promise<void>) {
    const refused = Promise.withResolvers<never>()
    // Without an answer because it was struck is what is wanted here.
    asked.catch((error) => {
      if (error instanceof RefusedError) refused.reject(error)
    })
    let ended: string | undefined
    replay.exited.then((how) => {
      ended = how
    })
    const what = `replay being struck by ${signal}`
    const struck = waitFor(
      what,
      async () => (signal === 'SIGKILL' ? ended : isStopped(replay.pid) || undefined),
      stepTimeoutMs,
    )
    struck.catch(() => undefined)
    await Promise.race([struck, refused.promise])
    if (signal === 'SIGKILL') assert.equal(ended, 'ended by SIGKILL')
  }

  /** The one that stood still meanwhile must find out that it is not in charge, and end. */
  async #letGo(first: ServiceProcess, live: number): Promise<void> {
    const { history } = await this.#control()
    const positions = await positionEpochs(this.#kafka, this.#namespace)
    const epoch = positions.at(-1)
    first.signal('SIGCONT')
    const how = await waitFor(
      'the end of the replay that was let go',
      () => Promise.race([first.exited, undefined]),
      exitTimeoutMs,
    )
    assert.equal(how, 'ended with 1')
    assert.match(first.log(), endsOfTheFenced)
    assert.deepEqual((await this.#control()).history, history, 'written by the one that was let go')
    const since = (await positionEpochs(this.#kafka, this.#namespace)).slice(positions.length)
    assert.deepEqual(
      since.filter((each) => each !== epoch),
      [],
    )
    await this.platform.untilCurrent(application, [view])
    await this.#assertUnfrozen()
    await this.#assertAllRight(live)
  }

  async #assertAllRight(live: number): Promise<void> {
    const { releases } = await this.#replays.request<{
      releases: { release: number; state: string }[]
    }>('GET', `/v1/releases?application=${application}`)
    const running = releases.filter(({ state }) => hasCluster(state as never))
    assert.deepEqual(
      running.map(({ release, state }) => [release, state]),
      [[live, 'live']],
    )
    const { pointers } = await this.#control()
    assert.deepEqual(
      [...pointers.values()].map(({ release }) => release),
      [live],
    )
    const { orphans } = await this.#replays.request<{ orphans: object[] }>('GET', '/v1/orphans')
    assert.deepEqual(orphans, [])
    assert.deepEqual(runningSparks(this.platform.folder), [`${application}-${live}`])
    const expected = expectedRows(this.#events.slice(0, this.#published))
    assertSameRows(view, expected, await this.platform.allRows(application, view))
  }

  async #assertUnfrozen(): Promise<void> {
    assert.deepEqual(await frozenSlots(this.platform.redisUrl, this.#namespace), [])
  }

  async #retire(release: number): Promise<void> {
    await this.#replays.post(`/v1/releases/${application}/${release}/retire`)
    await this.#untilRemoved(release)
  }

  #untilRemoved(release: number): Promise<true> {
    return waitFor(
      `release ${release} being removed`,
      async () => (await this.#control()).releases.get(release)?.removed,
      stepTimeoutMs,
    ) as Promise<true>
  }

  #control(): Promise<ControlRecords> {
    return readControl(this.#kafka, this.#namespace)
  }

  async #arm(strike: Strike, release: number): Promise<void> {
    if (this.#armed === armedFor(...strike, release)) return
    await this.platform.replay.kill()
    await this.#startReplay(strike, release)
  }

  async #startReplay(at: Strike | undefined, release: number) {
    this.#instances += 1
    this.#armed = at ? armedFor(...at, release) : ''
    this.platform.replay = await this.platform.startService(
      'replay',
      at ? startOf(...at, { release, instance: this.#instances }) : { log: logOf(this.#instances) },
    )
  }
}

function armedFor(signal: FaultSignal, point: FaultPoint, release: number): string {
  return `${signal} ${nameOf(point)} of ${release}`
}

function startOf(
  signal: FaultSignal,
  { when, effect, time }: FaultPoint,
  { release, instance }: { release: number; instance: number },
): ServiceStart {
  return {
    main,
    log: logOf(instance),
    environment: {
      KAPPA_TEST_SIGNAL: signal,
      KAPPA_TEST_SIGNAL_AT: `${when} ${effect} ${time}`,
      KAPPA_TEST_SIGNAL_RELEASE: String(release),
    },
  }
}

function logOf(instance: number): string {
  return `replay-${instance}.log`
}
