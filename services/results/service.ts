import { TopicNames } from '@kappa/applications/records'
import { connectWithin } from '@kappa/kafka/connect-within'
import type { Kafka } from '@kappa/kafka/port'
import { Health } from '@kappa/service/health'
import { closeHttp, createHttp, listen } from '@kappa/service/http'
import { kafkaSecurityWarnings } from '@kappa/service/kafka-security'
import type { Service } from '@kappa/service/lifecycle'
import { createLogger } from '@kappa/service/logger'
import { createMetrics } from '@kappa/service/metrics'
import { startTracing } from '@kappa/service/tracing'
import { connectRedis } from '@kappa/view-store/redis-client'
import { readRedisMemory } from '@kappa/view-store/redis-memory'
import { ReleaseRows } from '@kappa/view-store/release-rows'
import { ViewStore } from '@kappa/view-store/view-store'
import { describeViews } from './answers/describe-views.ts'
import { ChangeFeeds } from './changes/change-feeds.ts'
import type { ResultsConfig } from './config.ts'
import { ControlFollower } from './control/control-follower.ts'
import { ControlState } from './control/control-state.ts'
import { MemoryBound } from './loading/memory-bound.ts'
import { ReadableReleases } from './loading/readable-releases.ts'
import { type RepeatedCheck, repeatCheck } from './loading/repeat-check.ts'
import { Catalogue } from './reading/catalogue.ts'
import { LiveReads } from './reading/live-reads.ts'
import { UncountedEvents } from './reading/uncounted-events.ts'
import { createResultsMetrics } from './results-metrics.ts'
import { measureResults } from './results-readings.ts'
import { countRowsRoute } from './routes/count-rows.ts'
import { followViewRoute } from './routes/follow-view.ts'
import { getRowRoute } from './routes/get-row.ts'
import { getRowsRoute } from './routes/get-rows.ts'
import { listViewsRoute } from './routes/list-views.ts'
import { queryViewRoute } from './routes/query-view.ts'

interface ResultsOverrides {
  readonly kafka?: Kafka
  /** Ends a start that waits for Kafka. */
  readonly signal?: AbortSignal | undefined
}

/** @throws what `work` throws in time */
async function endsWithin(work: Promise<void>, timeoutMs: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), timeoutMs)
  try {
    return await Promise.race([work.then(() => true), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Starts results: control topics in memory, changelogs of readable releases to Redis, queries over
 * HTTP. It is there once Kafka is, and ready when the control topics are read and Redis answers.
 * @throws KafkaError when no broker answers in time
 */
export async function createResults(
  config: ResultsConfig,
  { kafka: given, signal }: ResultsOverrides = {},
): Promise<Service> {
  const logger = createLogger('results', config.http.logLevel)
  const registry = createMetrics('results')
  const tracing = await startTracing('results', config.http.tracing, logger)
  const health = new Health()
  for (const warning of kafkaSecurityWarnings(config.kafka.security)) logger.warn(warning)
  const kafka =
    given ??
    (await connectWithin(config.kafka, {
      signal,
      onWaiting: (reason) => logger.info({ reason }, 'Waiting for Kafka'),
    }))
  const failed = Promise.withResolvers<never>()
  failed.promise.catch((error: unknown) => logger.fatal({ err: error }, 'a part has died'))

  const metrics = createResultsMetrics(registry)
  const countError = () => metrics.redisErrors.inc()
  const redis = (name: string) =>
    connectRedis(config.redis, name, (error) => {
      countError()
      logger.warn({ err: error, connection: name }, 'Redis cannot be reached')
    })
  const queryRedis = redis('kappa-results-query')
  const applyRedis = redis('kappa-results-apply')
  const control = new ControlState(config.pendingPositionsMax)
  const applyStore = new ViewStore(applyRedis, config.namespace)
  const rows = new ReleaseRows(applyRedis, config.namespace)
  const readMemory = () => readRedisMemory(applyRedis)
  const memory = new MemoryBound({
    control,
    store: applyStore,
    rows,
    readMemory,
    usedShareMax: config.memoryShareMax,
    logger,
  })
  const releases: ReadableReleases = new ReadableReleases(
    {
      kafka,
      store: applyStore,
      control,
      namespace: config.namespace,
      settings: config.apply,
      metrics,
      logger,
      onRebuild: () => checking.soon(),
      isRefused: (release) => memory.isRefused(release),
      rows,
    },
    failed.reject,
  )
  const onReleases = () => void releases.reconcile()
  const follower = new ControlFollower({
    kafka,
    control,
    topics: new TopicNames(config.namespace),
    metrics,
    logger,
    onReleases,
  })

  health.addCheck('control', () => follower.waitsFor)
  health.addCheck('redis', () =>
    queryRedis.status === 'ready' ? undefined : `the connection is ${queryRedis.status}`,
  )
  const catalogue = new Catalogue(control, releases, () => follower.waitsFor === undefined)
  const connections = { query: queryRedis, apply: applyRedis }
  measureResults(registry, { releases, catalogue, memory, readMemory, connections })
  const http = await createHttp({
    title: 'Kappa results',
    description: 'Rows of views, with the release, the position and the freshness of every answer.',
    settings: config.http,
    logger,
    metrics: registry,
    health,
    tracing,
    compress: true,
    describe: (document) =>
      describeViews(
        document,
        catalogue.liveApplications().flatMap((name) => catalogue.views(catalogue.live(name))),
      ),
  })
  const store = new ViewStore(queryRedis, config.namespace)
  const { switchWaitMs } = config.query
  const uncounted = new UncountedEvents(kafka, control)
  const live = new LiveReads({ catalogue, control, store, uncounted, metrics, switchWaitMs })
  const routeParts = { catalogue, control, store, settings: config.query, live }
  listViewsRoute(http, routeParts, () => memory.refused())
  queryViewRoute(http, routeParts)
  getRowRoute(http, routeParts)
  getRowsRoute(http, routeParts)
  countRowsRoute(http, routeParts)
  const feeds = new ChangeFeeds(kafka, control, {
    groupPrefix: `${config.namespace}.results.changes`,
    bytesMax: config.follow.bytesMax,
  })
  const streams = new AbortController()
  followViewRoute(
    http,
    { ...routeParts, releases, feeds, follow: config.follow },
    {
      subscribersMax: config.follow.subscribersMax,
      stopping: streams.signal,
      followers: metrics.followers,
    },
  )

  const following = follower.run().catch(failed.reject)
  const checking: RepeatedCheck = repeatCheck(config.checkIntervalMs, async () => {
    if (applyRedis.status !== 'ready') return
    const check = async () => {
      const isControlRead = follower.waitsFor === undefined
      if (isControlRead && (await memory.check())) await releases.reconcile()
      await releases.check()
    }
    await check().catch((error: unknown) => {
      countError()
      logger.warn({ err: error }, 'what Redis has cannot be checked')
    })
  })

  const stop = async () => {
    streams.abort()
    await closeHttp(http, health, config.http)
    const parts = async () => {
      await checking.stop()
      await Promise.all([follower.close(), releases.close(), feeds.close()])
      await following
      await kafka.close()
      await tracing?.stop()
    }
    const isInTime = await endsWithin(parts(), config.http.stopTimeoutMs)
    if (!isInTime) logger.warn('stopping took too long; connections are cut')
    queryRedis.disconnect()
    applyRedis.disconnect()
  }
  let stopping: Promise<void> | undefined
  return {
    url: await listen(http, config.http),
    failed: failed.promise,
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}
