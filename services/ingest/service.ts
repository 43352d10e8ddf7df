import { TopicNames } from '@kappa/applications/records'
import type { Contracts } from '@kappa/contracts/contracts'
import { loadContracts } from '@kappa/contracts/load'
import { connectWithin } from '@kappa/kafka/connect-within'
import type { KafkaLog } from '@kappa/kafka/port'
import { boundBodyTime } from '@kappa/service/body-time'
import { Health } from '@kappa/service/health'
import { closeHttp, createHttp, type Http, listen } from '@kappa/service/http'
import { kafkaSecurityWarnings } from '@kappa/service/kafka-security'
import type { Service } from '@kappa/service/lifecycle'
import { createLogger, type Logger } from '@kappa/service/logger'
import { createMetrics } from '@kappa/service/metrics'
import { startTracing } from '@kappa/service/tracing'
import type { IngestConfig } from './config.ts'
import type { IngestContext } from './context.ts'
import { ReleaseFollower } from './contracts/release-follower.ts'
import { IngestMetrics } from './ingest-metrics.ts'
import { KafkaProbe } from './kafka-probe.ts'
import { FairTurns } from './publishing/fair-turns.ts'
import { recentImportsMax } from './publishing/import-gate.ts'
import { recoverImport } from './publishing/import-recovery.ts'
import { InFlight } from './publishing/in-flight.ts'
import { Publisher } from './publishing/publisher.ts'
import { Topics } from './publishing/topics.ts'
import { registryRoutes } from './registry/routes.ts'
import { Subjects } from './registry/subjects.ts'
import { RejectedEvents } from './rejected/rejected-events.ts'
import { createRejectedTopic } from './rejected/rejected-topic.ts'
import { listTopicsRoute } from './routes/list-topics.ts'
import { publishRoute } from './routes/publish.ts'
import { publishManyRoute } from './routes/publish-many.ts'
import { readTopicRoute } from './routes/read-topic.ts'
import { rejectedRoutes } from './routes/rejected.ts'
import { createContractTopics } from './start-kafka.ts'

export interface IngestOverrides {
  /** Epoch milliseconds. */
  readonly now?: () => number
  /** Ends a start that waits for Kafka. */
  readonly signal?: AbortSignal | undefined
}

const description =
  "Takes events over HTTP, checks them against their topic's contract and writes them to Kafka."

/**
 * Wires ingest. Resolves when it takes events: contracts loaded, Kafka reached, topics there.
 * @throws ContractError for contracts that cannot be used, KafkaError when Kafka does not come up
 *   in time, or the server's error when the port is taken; nothing is left running then.
 */
export async function createIngest(
  config: IngestConfig,
  overrides: IngestOverrides = {},
): Promise<Service> {
  const logger = createLogger('ingest', config.http.logLevel)
  const { eventBytesMax } = config.limits
  const contracts = await loadContracts(config.schemasFolder, { limits: { eventBytesMax } })
  // What is started is stopped in the opposite order.
  const started = new AsyncDisposableStack()
  try {
    const url = await start(config, overrides, contracts, logger, started)
    let stopping: Promise<void> | undefined
    return {
      url,
      // Every part recovers by itself or fails the requests that need it: none dies for good.
      failed: new Promise<never>(() => undefined),
      stop: () => (stopping ??= started.disposeAsync()),
    }
  } catch (error) {
    await started.disposeAsync()
    throw error
  }
}

async function start(
  config: IngestConfig,
  overrides: IngestOverrides,
  contracts: Contracts,
  logger: Logger,
  started: AsyncDisposableStack,
): Promise<string> {
  const { limits, deliveryTimeoutMs } = config
  for (const warning of kafkaSecurityWarnings(config.kafka.security)) logger.warn(warning)
  // What the client library reports as an error is retried or becomes a KafkaError.
  const log: KafkaLog = (level, message, fields) =>
    logger.debug({ ...fields, kafkaLevel: level }, message)
  const connecting = connectWithin(
    { ...config.kafka, log },
    {
      signal: overrides.signal,
      onWaiting: (reason) => logger.info({ reason }, 'Waiting for Kafka'),
    },
  )
  const kafka = started.adopt(await connecting, (each) => each.close())
  await createContractTopics(kafka.admin, contracts, config, logger)
  await createRejectedTopic(kafka.admin, config, logger)
  const topics = new Topics(contracts, limits.eventBytesMax, (topic) =>
    recoverImport(kafka, topic, recentImportsMax),
  )
  const versions = await ReleaseFollower.start({
    kafka,
    topic: new TopicNames(config.namespace).releases,
    pollMs: config.releasesPollIntervalMs,
    logger,
  })
  started.defer(() => versions.close())
  const producer = started.adopt(
    kafka.producer({
      queueBytesMax: limits.queueBytesMax,
      batchBytesMax: limits.eventBytesMax,
      deliveryTimeoutMs,
    }),
    (each) => each.close(),
  )
  const registry = createMetrics('ingest')
  const tracing = await startTracing('ingest', config.http.tracing, logger)
  started.defer(() => tracing?.stop())
  const health = new Health()
  const probe = new KafkaProbe(() => kafka.admin.listTopics(), logger)
  const inFlight = new InFlight(limits)
  const turns = new FairTurns(limits.turnBytesMax)
  const metrics = new IngestMetrics(registry, inFlight, turns)
  for (const { topic } of contracts) metrics.expect(topic)
  const now = overrides.now ?? Date.now
  const onKafkaUnavailable = (reason: string) => probe.failed(reason)
  const publisher = new Publisher({ producer, metrics, now, onKafkaUnavailable })
  const rejected = started.adopt(
    new RejectedEvents({
      kafka,
      settings: config.rejected,
      registry,
      logger,
      topics,
      versions,
      publisher,
      now,
      deliveryTimeoutMs,
      onKafkaUnavailable,
    }),
    (each) => each.stop(),
  )
  rejected.start()
  const http = await createHttp({
    title: 'Kappa ingest',
    description,
    settings: config.http,
    logger,
    metrics: registry,
    health,
    tracing,
  })
  started.defer(() => closeHttp(http, health, config.http))
  // Streamed bodies may take longer; readers of other bodies have the usual time-out themselves.
  http.server.requestTimeout = config.streamTimeoutMs
  await addRoutes(http, {
    config,
    topics,
    versions,
    inFlight,
    turns,
    publisher,
    rejected,
    metrics,
  })
  const url = await listen(http, config.http)
  probe.start(health, config.kafkaProbeIntervalMs)
  started.defer(() => probe.stop())
  return url
}

async function addRoutes(http: Http, context: IngestContext): Promise<void> {
  // The publish route reads its body itself, bounded and once, whatever its type.
  await http.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    publishRoute(scope, context)
    publishManyRoute(scope, context)
  })
  listTopicsRoute(http, context)
  readTopicRoute(http, context)
  await http.register(async (scope) => {
    boundBodyTime(scope, context.config.http.requestTimeoutMs)
    rejectedRoutes(scope, context.rejected, context.config.clientHeader)
    await registryRoutes(scope, new Subjects(context.topics.contracts, context.versions))
  })
}
