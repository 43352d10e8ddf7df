import type { V1OwnerReference } from '@kubernetes/client-node'
import {
  hasStatus,
  inWords,
  type KubernetesApi,
  mergePatch,
} from '../../kubernetes/kubernetes-api.ts'
import { ClusterError } from '../launcher.ts'

const EPOCH = 'kappa.dev/epoch'
const attemptsMax = 5

/**
 * Keeps instances of replay apart that use the same namespace: the newest epoch is an annotation of
 * the ConfigMap that owns all releases there.
 */
export class EpochFence {
  readonly #api: KubernetesApi
  readonly #owner: string
  readonly #namespace: string

  constructor(api: KubernetesApi, owner: string, namespace: string) {
    this.#api = api
    this.#owner = owner
    this.#namespace = namespace
  }

  /** @throws ClusterError an instance of a newer epoch is at work, or the ConfigMap is not there */
  async takeOver(epoch: number): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const map = await this.#read(epoch)
      const { resourceVersion } = map.metadata ?? {}
      // With the version that was read, so that nobody else's epoch is written over.
      const body = { metadata: { resourceVersion, annotations: { [EPOCH]: String(epoch) } } }
      try {
        await this.#api.core.patchNamespacedConfigMap(
          { name: this.#owner, namespace: this.#namespace, body },
          mergePatch,
        )
        return
      } catch (error) {
        // Somebody else has written it meanwhile: perhaps an instance of a newer epoch.
        if (!hasStatus(error, 409) || attempt === attemptsMax) throw this.#refused(error)
      }
    }
  }

  /** @throws ClusterError an instance of a newer epoch has taken over */
  async check(epoch: number): Promise<void> {
    await this.#read(epoch)
  }

  /** @throws ClusterError as `check` does */
  async ownerReference(epoch: number): Promise<V1OwnerReference> {
    const { metadata } = await this.#read(epoch)
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: this.#owner,
      uid: metadata?.uid ?? '',
    }
  }

  async #read(epoch: number) {
    const place = { name: this.#owner, namespace: this.#namespace }
    const map = await this.#api.core.readNamespacedConfigMap(place).catch((error: unknown) => {
      throw this.#refused(error)
    })
    const newest = Number(map.metadata?.annotations?.[EPOCH] ?? 0)
    if (newest <= epoch) return map
    throw new ClusterError(
      `Another instance of replay has taken over (epoch ${newest}, this one has ${epoch}); no cluster is started here any more. Where Kafka was made anew, remove the annotation ${EPOCH} of the ConfigMap ${this.#owner}.`,
    )
  }

  #refused(cause: unknown): ClusterError {
    return new ClusterError(
      `The ConfigMap ${this.#owner}, which owns the releases in the namespace ${this.#namespace}, cannot be used: ${inWords(cause)}`,
      { cause },
    )
  }
}
