import { loadContracts } from '@kappa/contracts/load'
import type { Kafka } from '@kappa/kafka/port'
import { Health } from '@kappa/service/health'
import { closeHttp, createHttp, type Http, listen } from '@kappa/service/http'
import type { Service } from '@kappa/service/lifecycle'
import { createLogger } from '@kappa/service/logger'
import { createMetrics } from '@kappa/service/metrics'
import type { IngestConfig } from './config.ts'
import type { IngestContext } from './context.ts'
import { IngestMetrics } from './ingest-metrics.ts'
import { KafkaProbe } from './kafka-probe.ts'
import { recoverImport } from './publishing/import-recovery.ts'
import { InFlight } from './publishing/in-flight.ts'
import { Publisher } from './publishing/publisher.ts'
import { Topics } from './publishing/topics.ts'
import { listTopicsRoute } from './routes/list-topics.ts'
import { publishRoute } from './routes/publish.ts'
import { readSchemaRoute } from './routes/read-schema.ts'
import { readTopicRoute } from './routes/read-topic.ts'
import { connectWithin, createContractTopics } from './start-kafka.ts'

export interface IngestOverrides {
  /** Epoch milliseconds. */
  readonly now?: () => number
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
  const kafka = await connectWithin(config, logger)
  try {
    await createContractTopics(kafka.admin, contracts, config, logger)
    const topics = new Topics(contracts, eventBytesMax, (topic) =>
      recoverImport(kafka, topic, config.deliveryTimeoutMs),
    )
    return await serve(config, overrides, { kafka, topics, logger })
  } catch (error) {
    await kafka.close()
    throw error
  }
}

interface Parts {
  readonly kafka: Kafka
  readonly topics: Topics
  readonly logger: ReturnType<typeof createLogger>
}

async function serve(
  config: IngestConfig,
  overrides: IngestOverrides,
  { kafka, topics, logger }: Parts,
): Promise<Service> {
  const registry = createMetrics('ingest')
  const health = new Health()
  const inFlight = new InFlight(config.limits)
  const metrics = new IngestMetrics(registry, inFlight)
  const probe = new KafkaProbe(() => kafka.admin.listTopics(), logger)
  const producer = kafka.producer({
    queueBytesMax: config.limits.queueBytesMax,
    batchBytesMax: config.limits.eventBytesMax,
    deliveryTimeoutMs: config.deliveryTimeoutMs,
  })
  const publisher = new Publisher({
    producer,
    metrics,
    now: overrides.now ?? Date.now,
    onKafkaUnavailable: (reason) => probe.failed(reason),
  })
  const http = await createHttp({
    title: 'Kappa ingest',
    description,
    settings: config.http,
    logger,
    metrics: registry,
    health,
  })
  await addRoutes(http, { config, topics, inFlight, publisher, metrics })
  const url = await listen(http, config.http).catch(async (error: unknown) => {
    await http.close()
    throw error
  })
  probe.start(health, config.kafkaProbeIntervalMs)

  let stopping: Promise<void> | undefined
  const stop = async () => {
    health.markStopping()
    probe.stop()
    await closeHttp(http, config.http)
    await producer.close()
    await kafka.close()
  }
  return {
    url,
    // Every part recovers by itself or fails the requests that need it: none dies for good.
    failed: new Promise<never>(() => undefined),
    stop: () => (stopping ??= stop()),
  }
}

async function addRoutes(http: Http, context: IngestContext): Promise<void> {
  // The publish route reads its body itself, bounded and once, whatever its type.
  await http.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    publishRoute(scope, context)
  })
  listTopicsRoute(http, context.topics)
  readTopicRoute(http, context.topics)
  readSchemaRoute(http, context.topics)
}
