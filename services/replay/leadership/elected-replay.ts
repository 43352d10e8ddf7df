import { ServiceError } from '@kappa/service/errors'
import { Health } from '@kappa/service/health'
import { closeHttp, createHttp, listen } from '@kappa/service/http'
import type { Service } from '@kappa/service/lifecycle'
import { createLogger, type Logger } from '@kappa/service/logger'
import { createMetrics } from '@kappa/service/metrics'
import type { ReplayConfig } from '../config.ts'
import { inWords, KubernetesApi } from '../kubernetes/kubernetes-api.ts'
import type { LeaderElectionSettings } from './leader-election-settings.ts'
import { labelLeader } from './leader-label.ts'
import { LeaderLease } from './leader-lease.ts'

export interface LeadOptions {
  /** Ends the start. */
  readonly signal: AbortSignal
  /** To be awaited right before it listens: until then the port is that of who stands by. */
  readonly beforeListening: () => Promise<void>
}

/**
 * Replay where several instances run: this one stands by, healthy and without requests, until it has
 * the lease; then `lead` starts what replay is, on the same port, unless its signal ends that. It ends when it loses the lease.
 */
export async function createElectedReplay(
  config: ReplayConfig,
  election: LeaderElectionSettings,
  lead: (options: LeadOptions) => Promise<Service>,
): Promise<Service> {
  const logger = createLogger('replay', config.http.logLevel)
  const api = new KubernetesApi(election.requestTimeoutMs)
  const { podName: name, namespace } = election
  // A container that was started again is in a pod that may have led.
  await labelLeader(api, { name, namespace }, false)
  const lease = new LeaderLease(api, election, logger)
  const standby = await standBy(config, logger)
  const over = new AbortController()
  let leading: Service | undefined
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => undefined)

  const electing = (async () => {
    if (!(await lease.acquire(over.signal))) return
    logger.info({ pod: name }, 'this instance leads')
    const { previousHolder } = lease
    if (previousHolder !== undefined) {
      await labelLeader(api, { name: previousHolder, namespace }, false)
    }
    leading = await lead({ signal: over.signal, beforeListening: standby.close })
    leading.failed.catch(failure.reject)
    if (!over.signal.aborted) await labelLeader(api, { name, namespace }, true)
  })().catch((error: unknown) => {
    if (!over.signal.aborted) failure.reject(error)
  })

  let stopping: Promise<void> | undefined
  const stop = async () => {
    over.abort()
    await electing
    try {
      await leading?.stop()
      await standby.close()
    } finally {
      await labelLeader(api, { name, namespace }, false).catch((error: unknown) => {
        logger.warn({ reason: inWords(error) }, 'the label of the leader could not be removed')
      })
      await lease.release()
    }
  }
  return {
    url: standby.url,
    failed: Promise.race([failure.promise, lease.lost]),
    stop: () => (stopping ??= stop()),
  }
}

async function standBy(
  config: ReplayConfig,
  logger: Logger,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const health = new Health()
  const metrics = createMetrics('replay')
  const http = await createHttp({
    title: 'Kappa replay, standing by',
    description: 'Another instance leads.',
    settings: config.http,
    logger,
    metrics,
    health,
  })
  http.all('/v1/*', { schema: { hide: true } }, async () => {
    throw new ServiceError('standing_by', 'Another instance of replay leads; requests go to it.', {
      retryAfterSeconds: 1,
    })
  })
  const url = await listen(http, config.http)
  let closing: Promise<void> | undefined
  return {
    url,
    // No requests come here: nobody has to find out first.
    close: () => (closing ??= closeHttp(http, health, { ...config.http, stopDelayMs: 0 })),
  }
}
