import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@kappa/service/logger'
import { type V1Pod, type V1Status, Watch } from '@kubernetes/client-node'
import { inWords, type KubernetesApi } from '../../kubernetes/kubernetes-api.ts'

const retryMs = 1_000

export interface PodWatchOptions {
  readonly namespace: string
  readonly labelSelector: string
  /** How often pods are listed anew, whatever the watch has told. */
  readonly relistIntervalMs: number
  readonly logger: Logger
}

/**
 * The pods of one namespace, kept current: listed, then watched, and listed again at an interval and
 * whenever a watch ends, so that a message that was missed changes nothing for long.
 */
export class PodWatch {
  readonly #api: KubernetesApi
  readonly #options: PodWatchOptions
  readonly #pods = new Map<string, V1Pod>()
  readonly #over = new AbortController()
  #changed = Promise.withResolvers<void>()
  #running: Promise<void> | undefined

  constructor(api: KubernetesApi, options: PodWatchOptions) {
    this.#api = api
    this.#options = options
  }

  /** Resolves when the pods are known. @throws ApiException */
  async start(): Promise<void> {
    const version = await this.relist()
    this.#running = this.#keepWatching(version)
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await this.#running
  }

  pods(): V1Pod[] {
    return [...this.#pods.values()]
  }

  /** Resolves when a pod has changed since the call, or was listed anew. */
  get changed(): Promise<void> {
    return this.#changed.promise
  }

  /** Asks the API itself. @returns the version of the list */
  async relist(): Promise<string | undefined> {
    const { namespace, labelSelector } = this.#options
    const list = await this.#api.core.listNamespacedPod({ namespace, labelSelector })
    this.#pods.clear()
    for (const pod of list.items) this.#pods.set(uidOf(pod), pod)
    this.#tell()
    return list.metadata?.resourceVersion
  }

  async #keepWatching(from: string | undefined): Promise<void> {
    const { signal } = this.#over
    let version = from
    while (!signal.aborted) {
      try {
        version ??= await this.relist()
        await this.#watch(version)
      } catch (error) {
        if (signal.aborted) return
        this.#options.logger.warn({ reason: inWords(error) }, 'pods could not be watched')
        await delay(retryMs, undefined, { signal }).catch(() => undefined)
      }
      version = undefined
    }
  }

  /** Until the watch ends, whoever ends it, at the latest when pods have to be listed anew. */
  async #watch(resourceVersion: string | undefined): Promise<void> {
    const { namespace, labelSelector, relistIntervalMs } = this.#options
    const ended = Promise.withResolvers<void>()
    const watch = await new Watch(this.#api.config).watch(
      `/api/v1/namespaces/${namespace}/pods`,
      { labelSelector, resourceVersion, timeoutSeconds: Math.ceil(relistIntervalMs / 1_000) },
      (type: string, object: V1Pod | V1Status) => {
        // For example because the version is too old to go on from.
        if (type === 'ERROR') ended.reject(new Error((object as V1Status).message ?? type))
        else this.#heard(type, object as V1Pod)
      },
      (error: unknown) => (error ? ended.reject(error) : ended.resolve()),
    )
    const abort = () => {
      ended.resolve()
      watch.abort()
    }
    this.#over.signal.addEventListener('abort', abort, { once: true })
    const timer = setTimeout(abort, relistIntervalMs)
    try {
      if (this.#over.signal.aborted) abort()
      await ended.promise
    } finally {
      clearTimeout(timer)
      this.#over.signal.removeEventListener('abort', abort)
      watch.abort()
    }
  }

  #heard(type: string, pod: V1Pod): void {
    if (type === 'DELETED') this.#pods.delete(uidOf(pod))
    if (type === 'ADDED' || type === 'MODIFIED') this.#pods.set(uidOf(pod), pod)
    this.#tell()
  }

  #tell(): void {
    const { resolve } = this.#changed
    this.#changed = Promise.withResolvers<void>()
    resolve()
  }
}

function uidOf(pod: V1Pod): string {
  return pod.metadata?.uid ?? ''
}
