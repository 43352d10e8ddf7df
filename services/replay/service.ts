import { TopicNames } from '@kappa/applications/records'
import { connectWithin } from '@kappa/kafka/connect-within'
import { Health } from '@kappa/service/health'
import { closeHttp, createHttp, listen } from '@kappa/service/http'
import { kafkaSecurityWarnings } from '@kappa/service/kafka-security'
import type { Service } from '@kappa/service/lifecycle'
import { createLogger } from '@kappa/service/logger'
import { createMetrics } from '@kappa/service/metrics'
import { startTracing } from '@kappa/service/tracing'
import { connectRedis } from '@kappa/view-store/redis-client'
import { ReleaseRows } from '@kappa/view-store/release-rows'
import { ViewStore } from '@kappa/view-store/view-store'
import type { ReplayConfig } from './config.ts'
import { ControlLog } from './control/control-log.ts'
import { type EffectListener, Effects } from './control/effects.ts'
import { PositionWriter } from './control/position-writer.ts'
import { ReleaseTraces } from './control/release-traces.ts'
import { Releases } from './control/releases.ts'
import { JobQueue } from './jobs/job-queue.ts'
import { mountQueueBoard } from './jobs/queue-board.ts'
import { createLauncher } from './launchers/create-launcher.ts'
import type { ClusterLauncher } from './launchers/launcher.ts'
import { ObjectStore } from './object-store.ts'
import { measureReplay } from './overview/measure-replay.ts'
import { Overview } from './overview/overview.ts'
import { ContractsFolder } from './releases/contracts-folder.ts'
import { DefinitionAnalysis } from './replays/analyse-definition.ts'
import { replayRoutes } from './routes/replay-routes.ts'
import { ApplicationFolders } from './supervision/application-folders.ts'
import { Supervisor } from './supervision/supervisor.ts'

export interface ReplayOverrides {
  /** Ends a start that has not taken over yet. */
  readonly signal?: AbortSignal | undefined
  readonly beforeListening?: () => Promise<void>
  readonly launcher?: ClusterLauncher
  /** Told of every side effect; tests stop or kill replay there. */
  readonly onEffect?: EffectListener
}

const controlTimeoutMs = 30_000
/** Switches and removals do not wait for replays. */
const otherJobsAtOnceMax = 8

/**
 * Wires replay: takes over the control log (which fences every other instance), then starts or
 * restarts the release of each application. Resolves when HTTP listens; releases go on starting.
 * @throws when Kafka does not come up in time, or a contract is wrong.
 */
export async function createReplay(
  config: ReplayConfig,
  overrides: ReplayOverrides = {},
): Promise<Service> {
  const { signal, beforeListening } = overrides
  const logger = createLogger('replay', config.http.logLevel)
  const metrics = createMetrics('replay')
  const tracing = await startTracing('replay', config.http.tracing, logger)
  const health = new Health()
  const contracts = await ContractsFolder.read(config.schemasFolder)
  for (const warning of kafkaSecurityWarnings(config.kafka.security)) logger.warn(warning)
  const kafka = await connectWithin(config.kafka, {
    signal,
    onWaiting: (reason) => logger.info({ reason }, 'Waiting for Kafka'),
  })
  const store = new ObjectStore(config.objectStore, config.namespace)
  const { replicationFactor } = config.release
  signal?.throwIfAborted()
  const control = await ControlLog.open(kafka, new TopicNames(config.namespace), {
    replicationFactor,
    timeoutMs: controlTimeoutMs,
  })
  const redis = connectRedis(config.redis, 'kappa-replay', (error) =>
    logger.warn({ err: error }, 'Redis cannot be reached'),
  )
  const releases = new Releases(control)
  const traces = tracing && new ReleaseTraces(tracing)
  if (traces) releases.onChange((record) => traces.changed(record))
  const positions = new PositionWriter(control)
  const launcher = overrides.launcher ?? (await createLauncher(config.launcher, logger))
  signal?.throwIfAborted()
  await launcher.takeOver(control.epoch)
  const parts = {
    config,
    contracts,
    kafka,
    store,
    control,
    releases,
    effects: new Effects(releases, overrides.onEffect, traces),
    positions,
    launcher,
    rows: new ViewStore(redis, config.namespace),
    removal: {
      namespace: config.namespace,
      admin: kafka.admin,
      store,
      rows: new ReleaseRows(redis, config.namespace),
    },
    logger,
  }
  const queue = JobQueue.open({
    redis: config.jobsRedis,
    namespace: config.namespace,
    epoch: control.epoch,
    logger,
    settings: {
      concurrency: config.replays.atOnceMax + otherJobsAtOnceMax,
      commandTimeoutMs: config.redis.timeoutMs,
      checkMs: config.replays.reconcileIntervalMs,
      closeTimeoutMs: config.release.requestTimeoutMs,
    },
    handler: (job, report, signal) => supervisor.perform(job, report, signal),
  })
  const supervisor: Supervisor = new Supervisor(parts, queue)
  const folders = new ApplicationFolders(parts)
  const overview = new Overview(releases, folders, supervisor)
  const { clustersMax } = config.replays
  measureReplay(metrics, { overview, kafka, epoch: control.epoch, queue, clustersMax, redis })
  health.addCheck('releases', () => overview.reasonAgainstReadiness())
  const http = await createHttp({
    title: 'Kappa replay',
    description:
      'Releases of applications: what runs, how far it is, and why it failed. Replays: a release is built from the log beside the live one, compared, and switched to.',
    settings: config.http,
    logger,
    metrics,
    health,
    tracing,
  })
  const analysis = new DefinitionAnalysis(parts)
  replayRoutes(http, { config, parts, overview, supervisor, analysis })
  await mountQueueBoard(http, queue)
  await beforeListening?.()
  const url = await listen(http, config.http)
  await folders.read()
  await supervisor.start()

  let stopping: Promise<void> | undefined
  const stop = async () => {
    await supervisor.stop()
    await launcher.close?.()
    await queue.close()
    await positions.settled()
    await closeHttp(http, health, config.http)
    await control.close()
    await kafka.close()
    redis.disconnect()
    store.close()
    traces?.close()
    await tracing?.stop()
  }
  return {
    url,
    failed: Promise.race([positions.failed, supervisor.failed]),
    stop: () => (stopping ??= stop()),
  }
}
