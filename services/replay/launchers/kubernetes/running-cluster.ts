import { setTimeout as delay } from 'node:timers/promises'
import { accepts } from '@kappa/processes/ports'
import type { V1Pod } from '@kubernetes/client-node'
import { inWords, type KubernetesApi } from '../../kubernetes/kubernetes-api.ts'
import { endOfLog, linesToRead } from '../end-of-log.ts'
import { type Cluster, ClusterError } from '../launcher.ts'
import { isOfInstance, nameOf, type Release } from './object-meta.ts'
import { secretsFolder } from './pod-parts.ts'
import { problemOf } from './pod-problems.ts'
import type { PodWatch } from './pod-watch.ts'
import { connectPort } from './spark-properties.ts'

/** @returns where Spark Connect of a driver's pod is reached from here; undefined while it does not listen */
export type ConnectTo = (pod: {
  readonly name: string
  readonly namespace: string
}) => Promise<{ readonly host: string; readonly port: number } | undefined>

export interface RunningClusterParts {
  readonly release: Release
  /** Of the driver's pod. */
  readonly uid: string
  readonly token: string
  readonly instance: string
  readonly api: KubernetesApi
  readonly namespace: string
  readonly pods: PodWatch
  /** Resolves when everything of this start is gone. */
  readonly remove: () => Promise<void>
  readonly connectTo?: ConnectTo
}

const pollMs = 100
/** How long the end of an executor is told of. */
const toldMs = 600_000

/** A driver's pod with its executors, watched until it has ended. */
export class RunningCluster implements Cluster {
  readonly token: string
  readonly instance: string
  readonly secretsFolder = secretsFolder
  readonly gone: Promise<string>
  readonly #parts: RunningClusterParts
  readonly #over = new AbortController()
  /** What has ended executors: when, by the uid of the pod. */
  readonly #ended = new Map<string, { text: string; at: number }>()
  #address = ''
  #stopping: Promise<void> | undefined

  constructor(parts: RunningClusterParts) {
    this.#parts = parts
    this.token = parts.token
    this.instance = parts.instance
    this.gone = this.#watch()
  }

  get address(): string {
    return this.#address
  }

  /** @throws ClusterError when the pod ends, cannot start, or Spark does not listen in time */
  async untilListening(options: {
    readonly deadline: number
    readonly timeoutMs: number
    readonly signal: AbortSignal
  }): Promise<void> {
    const { deadline, timeoutMs, signal } = options
    let ended: string | undefined
    this.gone.then((reason) => {
      ended = reason
    })
    while (!(await this.#listens())) {
      const driver = this.#driver
      const problem = driver && problemOf(driver)
      if (driver && hasEnded(driver)) throw new ClusterError(await this.gone)
      if (ended !== undefined) throw new ClusterError(ended)
      if (signal.aborted) throw new ClusterError('The start of Spark was called off.')
      if (problem?.final) throw new ClusterError(problem.text)
      if (Date.now() > deadline) {
        const name = nameOf(this.#parts.release)
        const why = problem?.text ?? `Pod ${name} is there, but Spark Connect does not listen.`
        throw new ClusterError(`${why} (${timeoutMs} ms were waited for it)`)
      }
      await Promise.race([delay(pollMs), this.#parts.pods.changed])
    }
  }

  problems(): string[] {
    const now = Date.now()
    const waiting = this.#executors().flatMap((pod) => problemOf(pod)?.text ?? [])
    const ended = [...this.#ended.values()].filter(({ at }) => now - at < toldMs)
    return [...new Set([...waiting, ...ended.map(({ text }) => text)])]
  }

  /** Can be asked for again when it has failed. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop().catch((error: unknown) => {
      this.#stopping = undefined
      throw error
    })
    return this.#stopping
  }

  async #stop(): Promise<void> {
    await this.#parts.remove()
    this.#over.abort()
    await this.gone
  }

  get #driver(): V1Pod | undefined {
    return this.#parts.pods.pods().find(({ metadata }) => metadata?.uid === this.#parts.uid)
  }

  #executors(): V1Pod[] {
    const { pods, instance, uid } = this.#parts
    return pods.pods().filter((pod) => isOfInstance(pod, instance) && pod.metadata?.uid !== uid)
  }

  async #listens(): Promise<boolean> {
    const ip = this.#driver?.status?.podIP
    if (ip === undefined) return false
    const { namespace, release, connectTo } = this.#parts
    const place = connectTo
      ? await connectTo({ name: nameOf(release), namespace })
      : { host: ip, port: connectPort }
    if (!place) return false
    this.#address = `${place.host}:${place.port}`
    return connectTo !== undefined || (await accepts(place.port, place.host)) === true
  }

  /** Resolves with what has ended the driver, in words. */
  async #watch(): Promise<string> {
    const { pods, release } = this.#parts
    const { signal } = this.#over
    let seen = false
    for (;;) {
      if (signal.aborted) return 'It was stopped.'
      const { changed } = pods
      this.#noteExecutors()
      const driver = this.#driver
      const problem = driver && problemOf(driver)
      if (driver && problem && hasEnded(driver)) return `${problem.text} ${await this.#endOfLog()}`
      if (driver) seen = true
      else if (seen) return `Pod ${nameOf(release)} was deleted.`
      await untilEither(changed, signal)
    }
  }

  #noteExecutors(): void {
    for (const pod of this.#executors()) {
      const problem = problemOf(pod)
      const uid = pod.metadata?.uid ?? ''
      if (problem?.final && !this.#ended.has(uid)) {
        this.#ended.set(uid, { text: problem.text, at: Date.now() })
      }
    }
    for (const [uid, { at }] of this.#ended) {
      if (Date.now() - at >= toldMs) this.#ended.delete(uid)
    }
  }

  async #endOfLog(): Promise<string> {
    const { api, namespace, release } = this.#parts
    try {
      const log = await api.core.readNamespacedPodLog({
        name: nameOf(release),
        namespace,
        tailLines: linesToRead,
      })
      return `The end of its log:\n${endOfLog(log)}`
    } catch (error) {
      return `(Its log cannot be read: ${inWords(error)})`
    }
  }
}

/** Leaves nothing at the signal, which lives as long as the cluster. */
async function untilEither(changed: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const aborted = () => resolve()
  signal.addEventListener('abort', aborted, { once: true })
  if (signal.aborted) resolve()
  await Promise.race([changed, promise])
  signal.removeEventListener('abort', aborted)
}

/** The state of its container is known before the phase of the pod. */
function hasEnded({ status }: V1Pod): boolean {
  const { phase, containerStatuses = [] } = status ?? {}
  const hasTerminated = containerStatuses.some(({ state }) => state?.terminated !== undefined)
  return hasTerminated || phase === 'Failed' || phase === 'Succeeded'
}
