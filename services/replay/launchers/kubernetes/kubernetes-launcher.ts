import { randomBytes, randomUUID } from 'node:crypto'
import type { Logger } from '@kappa/service/logger'
import { inWords, KubernetesApi } from '../../kubernetes/kubernetes-api.ts'
import { type Cluster, ClusterError, type ClusterLauncher, type ClusterSpec } from '../launcher.ts'
import { driverPod, driverService } from './driver-pod.ts'
import { EpochFence } from './epoch-fence.ts'
import type { KubernetesLauncherSettings } from './kubernetes-settings.ts'
import {
  nameOf,
  type Release,
  type ReleaseObjects,
  selectorOf,
  selectorOfAll,
  selectorOfInstance,
} from './object-meta.ts'
import { PodWatch } from './pod-watch.ts'
import { driverSecret, processesSecret, templates } from './release-objects.ts'
import { removeObjects } from './remove-objects.ts'
import { type ConnectTo, RunningCluster } from './running-cluster.ts'

export interface KubernetesLauncherOverrides {
  /** How Spark Connect of a driver is reached; by the address of its pod by default. */
  readonly connectTo?: ConnectTo
}

/** What the launcher has of one namespace. */
interface Place {
  readonly namespace: string
  readonly fence: EpochFence
  readonly pods: PodWatch
}

/**
 * Runs each release's Spark as a driver pod with executors that Spark's own scheduler makes, in the
 * namespace of its application. A pod that has ended is not started again: its release is.
 */
export class KubernetesLauncher implements ClusterLauncher {
  readonly #settings: KubernetesLauncherSettings
  readonly #api: KubernetesApi
  readonly #places: ReadonlyMap<string, Place>
  readonly #overrides: KubernetesLauncherOverrides
  readonly #logger: Logger
  #epoch = 0

  constructor(
    settings: KubernetesLauncherSettings,
    logger: Logger,
    overrides: KubernetesLauncherOverrides = {},
  ) {
    this.#settings = settings
    this.#logger = logger
    this.#api = new KubernetesApi(settings.requestTimeoutMs)
    this.#overrides = overrides
    const { owner, relistIntervalMs, namespace, namespaces = {} } = settings
    const all = new Set([...Object.values(namespaces), ...(namespace ? [namespace] : [])])
    this.#places = new Map(
      [...all].map((name) => {
        const log = logger.child({ namespace: name })
        const labelSelector = selectorOfAll(owner)
        const options = { namespace: name, labelSelector, relistIntervalMs, logger: log }
        const fence = new EpochFence(this.#api, owner, name)
        return [name, { namespace: name, fence, pods: new PodWatch(this.#api, options) }]
      }),
    )
  }

  async takeOver(epoch: number): Promise<void> {
    this.#epoch = epoch
    const places = [...this.#places.values()]
    await Promise.all(places.map(({ fence }) => fence.takeOver(epoch)))
    await Promise.all(
      places.map(async (place) => {
        await place.pods.start()
        try {
          await this.#remove(place, selectorOfAll(this.#settings.owner))
        } catch (error) {
          // One lost node must not keep all applications down: each start sees to its own release.
          const { namespace } = place
          this.#logger.error({ err: error, namespace }, 'clusters of before could not be removed')
        }
      }),
    )
  }

  async close(): Promise<void> {
    await Promise.all([...this.#places.values()].map(({ pods }) => pods.stop()))
  }

  async remove(release: Release): Promise<void> {
    await this.#removeRelease(this.#placeOf(release), release)
  }

  async start(
    spec: ClusterSpec,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  ): Promise<Cluster> {
    const place = this.#placeOf(spec)
    const deadline = Date.now() + timeoutMs
    const owner = await place.fence.ownerReference(this.#epoch)
    await this.#removeRelease(place, spec, signal)
    const instance = randomUUID()
    const token = randomBytes(32).toString('base64url')
    const remove = () => this.#remove(place, selectorOfInstance(instance))
    try {
      const objects = { namespace: place.namespace, owner, epoch: this.#epoch, instance }
      const uid = await this.#create(spec, objects, token)
      const cluster = new RunningCluster({
        release: spec,
        uid,
        token,
        instance,
        api: this.#api,
        pods: place.pods,
        namespace: place.namespace,
        remove,
        ...(this.#overrides.connectTo && { connectTo: this.#overrides.connectTo }),
      })
      await cluster.untilListening({ deadline, timeoutMs, signal })
      // Whoever took over between the first look and the pod has not seen this cluster.
      await place.fence.check(this.#epoch)
      return cluster
    } catch (error) {
      await remove().catch((problem: unknown) => {
        this.#logger.error({ err: problem }, 'a cluster that did not start could not be removed')
      })
      throw error
    }
  }

  /** @returns the uid of the driver's pod */
  async #create(spec: ClusterSpec, objects: ReleaseObjects, token: string): Promise<string> {
    const { core } = this.#api
    const { namespace } = objects
    const settings = this.#settings
    try {
      // First, because whoever removes them knows the names of the Secrets from it.
      await core.createNamespacedConfigMap({ namespace, body: templates(settings, spec, objects) })
      const secret = driverSecret(settings, spec, objects, token)
      await core.createNamespacedSecret({ namespace, body: secret })
      await core.createNamespacedSecret({ namespace, body: processesSecret(spec, objects) })
      await core.createNamespacedService({ namespace, body: driverService(spec, objects) })
      const body = driverPod(settings, spec, objects)
      const pod = await core.createNamespacedPod({ namespace, body })
      return pod.metadata?.uid ?? ''
    } catch (error) {
      throw new ClusterError(
        `Kubernetes does not take the cluster ${nameOf(spec)}: ${inWords(error)}`,
        { cause: error },
      )
    }
  }

  #removeRelease(place: Place, release: Release, signal?: AbortSignal): Promise<void> {
    return this.#remove(place, selectorOf(release, this.#settings.owner), signal)
  }

  /** Resolves when the pods are gone, and so all that could write. @throws ClusterError */
  #remove({ namespace }: Place, labelSelector: string, signal?: AbortSignal): Promise<void> {
    return removeObjects(this.#api, {
      namespace,
      labelSelector,
      epoch: this.#epoch,
      timeoutMs: this.#settings.stopTimeoutMs,
      signal,
    })
  }

  #placeOf({ application }: Release): Place {
    const { namespace, namespaces = {} } = this.#settings
    const place = this.#places.get(namespaces[application] ?? namespace ?? '')
    if (place) return place
    throw new ClusterError(
      `No namespace is named for the application ${application}: name it in "namespaces" of the launcher's settings ("applications" of the chart).`,
    )
  }
}
