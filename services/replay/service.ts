import { TopicNames } from '@kappa/applications/records'
import { loadContracts } from '@kappa/contracts/load'
import { connectKafka } from '@kappa/kafka/connect'
import { Health } from '@kappa/service/health'
import { closeHttp, createHttp, listen } from '@kappa/service/http'
import { kafkaSecurityWarnings } from '@kappa/service/kafka-security'
import type { Service } from '@kappa/service/lifecycle'
import { createLogger } from '@kappa/service/logger'
import { createMetrics } from '@kappa/service/metrics'
import type { ReplayConfig } from './config.ts'
import { ControlLog } from './control/control-log.ts'
import { PositionWriter } from './control/position-writer.ts'
import type { ClusterLauncher } from './launchers/launcher.ts'
import { LocalLauncher } from './launchers/local.ts'
import { ObjectStore } from './object-store.ts'
import { Applications } from './releases/applications.ts'
import { measureReleases } from './releases/release-metrics.ts'
import { listApplicationsRoute } from './routes/list-applications.ts'
import { readApplicationRoute } from './routes/read-application.ts'

export interface ReplayOverrides {
  readonly launcher?: ClusterLauncher
}

const controlTimeoutMs = 30_000

/**
 * Wires replay: takes over the control log (which fences every other instance), then starts or
 * restarts the release of each application. Resolves when HTTP listens; releases go on starting.
 * @throws when Kafka is not there, or a contract is wrong.
 */
export async function createReplay(
  config: ReplayConfig,
  overrides: ReplayOverrides = {},
): Promise<Service> {
  const logger = createLogger('replay', config.http.logLevel)
  const metrics = createMetrics('replay')
  const health = new Health()
  const contracts = await loadContracts(config.schemasFolder)
  for (const warning of kafkaSecurityWarnings(config.kafka.security)) logger.warn(warning)
  const kafka = await connectKafka(config.kafka)
  const store = new ObjectStore(config.objectStore, config.namespace)
  const { replicationFactor } = config.release
  const control = await ControlLog.open(kafka, new TopicNames(config.namespace), {
    replicationFactor,
    timeoutMs: controlTimeoutMs,
  })
  const positions = new PositionWriter(control)
  const launcher = overrides.launcher ?? new LocalLauncher(config.launcher)
  const parts = { config, contracts, kafka, store, control, positions, launcher, logger }
  const applications = new Applications(parts)
  measureReleases(metrics, applications)
  health.addCheck('releases', () => applications.reasonAgainstReadiness())
  const http = await createHttp({
    title: 'Kappa replay',
    description: 'Releases of applications: what runs, how far it is, and why it failed.',
    settings: config.http,
    logger,
    metrics,
    health,
  })
  listApplicationsRoute(http, applications)
  readApplicationRoute(http, applications)
  const url = await listen(http, config.http)
  await applications.start()

  let stopping: Promise<void> | undefined
  const stop = async () => {
    await applications.stop()
    await positions.settled()
    await closeHttp(http, health, config.http)
    await control.close()
    await kafka.close()
    store.close()
  }
  return {
    url,
    failed: Promise.race([positions.failed, applications.failed]),
    stop: () => (stopping ??= stop()),
  }
}
