import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@kappa/service/logger'
import { type V1Lease, V1MicroTime } from '@kubernetes/client-node'
import {
  hasStatus,
  inWords,
  type KubernetesApi,
  orUndefined,
} from '../kubernetes/kubernetes-api.ts'
import type { LeaderElectionSettings } from './leader-election-settings.ts'

/**
 * A Lease that one pod holds at a time. It keeps instances from working against each other in vain;
 * that two never do is what the control log's fence is for.
 */
export class LeaderLease {
  /** Rejects when the lease could not be renewed, or another pod has it. */
  readonly lost: Promise<never>
  /** Whose it was before; undefined where it was nobody's. */
  previousHolder: string | undefined
  readonly #api: KubernetesApi
  readonly #settings: LeaderElectionSettings
  readonly #logger: Logger
  readonly #over = new AbortController()
  /** The lease as it was seen to change last, and when that was by our own clock. */
  #seen = { renewal: '', at: 0 }
  #renewing: Promise<void> | undefined
  #isOfAnother = false
  #lose!: (error: Error) => void

  constructor(api: KubernetesApi, settings: LeaderElectionSettings, logger: Logger) {
    this.#api = api
    this.#settings = settings
    this.#logger = logger
    this.lost = new Promise((_resolve, reject) => {
      this.#lose = reject
    })
    this.lost.catch(() => undefined)
  }

  /** Resolves with true when this pod has the lease, with false when the signal aborts before. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (await this.#tryToHold()) {
        this.#renewing = this.#keepRenewing()
        return true
      }
      await delay(this.#settings.retryIntervalMs, undefined, { signal }).catch(() => undefined)
    }
    return false
  }

  /** Lets another pod have it at once. Idempotent. */
  async release(): Promise<void> {
    if (!this.#renewing) return
    this.#over.abort()
    await this.#renewing
    try {
      const lease = await this.#read()
      if (lease?.spec?.holderIdentity !== this.#settings.podName) return
      await this.#replace(lease, '')
    } catch (error) {
      this.#logger.warn({ reason: inWords(error) }, 'the lease could not be given back')
    }
  }

  async #keepRenewing(): Promise<void> {
    const { retryIntervalMs, renewDeadlineMs, podName } = this.#settings
    const { signal } = this.#over
    let renewedAt = Date.now()
    while (!signal.aborted) {
      await delay(retryIntervalMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      const askedAt = Date.now()
      const left = Math.max(0, renewedAt + renewDeadlineMs - askedAt)
      const tooLate = delay(left, false, { signal }).catch(() => false)
      if (await Promise.race([this.#tryToHold(), tooLate])) renewedAt = askedAt
      else if (
        !signal.aborted &&
        (this.#isOfAnother || Date.now() - renewedAt >= renewDeadlineMs)
      ) {
        this.#lose(new Error(`${podName} could not renew its lease, so it leads no more.`))
        return
      }
    }
  }

  async #tryToHold(): Promise<boolean> {
    const { podName } = this.#settings
    try {
      const lease = await this.#read()
      if (!lease) return await this.#create()
      const { holderIdentity: holder = '' } = lease.spec ?? {}
      this.#isOfAnother = holder !== '' && holder !== podName
      if (this.#isOfAnother && !this.#hasExpired(lease)) return false
      await this.#replace(lease, podName)
      if (holder !== podName) this.previousHolder = holder === '' ? undefined : holder
      return true
    } catch (error) {
      // Another pod was faster.
      if (!hasStatus(error, 409)) {
        this.#logger.warn({ reason: inWords(error) }, 'the lease could not be read or written')
      }
      return false
    }
  }

  /** By our own clock: those of nodes need not agree. */
  #hasExpired({ spec }: V1Lease): boolean {
    const renewal = JSON.stringify([spec?.holderIdentity, spec?.renewTime])
    if (renewal !== this.#seen.renewal) this.#seen = { renewal, at: Date.now() }
    return Date.now() - this.#seen.at > this.#settings.leaseDurationMs
  }

  #read(): Promise<V1Lease | undefined> {
    const { leaseName: name, namespace } = this.#settings
    return orUndefined(this.#api.coordination.readNamespacedLease({ name, namespace }))
  }

  async #create(): Promise<boolean> {
    const { leaseName: name, namespace, podName } = this.#settings
    const body = { metadata: { name }, spec: { ...this.#terms(podName), leaseTransitions: 0 } }
    await this.#api.coordination.createNamespacedLease({ namespace, body })
    return true
  }

  async #replace(lease: V1Lease, holder: string): Promise<void> {
    const { leaseName: name, namespace } = this.#settings
    const { holderIdentity, acquireTime, leaseTransitions = 0 } = lease.spec ?? {}
    const isOurs = holderIdentity === holder
    const spec = {
      ...this.#terms(holder),
      ...(isOurs && acquireTime && { acquireTime }),
      leaseTransitions: isOurs ? leaseTransitions : leaseTransitions + 1,
    }
    const body = { ...lease, spec }
    await this.#api.coordination.replaceNamespacedLease({ name, namespace, body })
  }

  #terms(holder: string) {
    const now = new V1MicroTime()
    return {
      holderIdentity: holder,
      leaseDurationSeconds: Math.ceil(this.#settings.leaseDurationMs / 1_000),
      acquireTime: now,
      renewTime: now,
    }
  }
}
