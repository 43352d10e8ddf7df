import { setTimeout as delay } from 'node:timers/promises'
import type { KubernetesObject } from '@kubernetes/client-node'
import { inWords, type KubernetesApi, orUndefined } from '../../kubernetes/kubernetes-api.ts'
import { ClusterError } from '../launcher.ts'
import { epochOf } from './object-meta.ts'

const pollMs = 200
const gracePeriodSeconds = 5

export interface Removal {
  readonly namespace: string
  readonly labelSelector: string
  /** Of whoever asks: what an instance of a newer epoch has made stays. */
  readonly epoch: number
  readonly timeoutMs: number
}

/**
 * Deletes the pods of releases and waits until Kubernetes has none of them any more, which it says
 * only when their processes have ended; then deletes the rest. Idempotent.
 * @throws ClusterError a pod does not go, or the API does not answer
 */
export async function removeObjects(api: KubernetesApi, removal: Removal): Promise<void> {
  try {
    await removePods(api, removal)
    await removeOthers(api, removal)
  } catch (error) {
    if (error instanceof ClusterError) throw error
    throw new ClusterError(
      `What was left of a cluster in the namespace ${removal.namespace} could not be removed: ${inWords(error)}`,
      { cause: error },
    )
  }
}

async function removePods({ core }: KubernetesApi, removal: Removal): Promise<void> {
  const { namespace, labelSelector, timeoutMs } = removal
  const deadline = Date.now() + timeoutMs
  const asked = new Set<string>()
  for (;;) {
    const pods = ours((await core.listNamespacedPod({ namespace, labelSelector })).items, removal)
    if (pods.length === 0) return
    for (const { name, uid } of pods.map(identity).filter((pod) => !asked.has(pod.uid))) {
      const body = { gracePeriodSeconds, preconditions: { uid } }
      await orUndefined(core.deleteNamespacedPod({ name, namespace, body }))
      asked.add(uid)
    }
    if (Date.now() > deadline) {
      const names = pods.map((pod) => `${identity(pod).name} on ${pod.spec?.nodeName ?? 'no node'}`)
      throw new ClusterError(
        `Pods of an earlier run do not end after ${timeoutMs} ms (${names.join(', ')}): no other cluster of the release may start before. Where a node is lost for good, delete its pods by force.`,
      )
    }
    await delay(pollMs)
  }
}

async function removeOthers({ core }: KubernetesApi, removal: Removal): Promise<void> {
  const { namespace, labelSelector } = removal
  const [secrets, maps, services] = await Promise.all([
    core.listNamespacedSecret({ namespace, labelSelector }),
    core.listNamespacedConfigMap({ namespace, labelSelector }),
    core.listNamespacedService({ namespace, labelSelector }),
  ])
  const place = (object: KubernetesObject) => ({ name: identity(object).name, namespace })
  await Promise.all([
    ...ours(secrets.items, removal).map((each) =>
      orUndefined(core.deleteNamespacedSecret(place(each))),
    ),
    ...ours(maps.items, removal).map((each) =>
      orUndefined(core.deleteNamespacedConfigMap(place(each))),
    ),
    ...ours(services.items, removal).map((each) =>
      orUndefined(core.deleteNamespacedService(place(each))),
    ),
  ])
}

function ours<T extends KubernetesObject>(objects: readonly T[], { epoch }: Removal): T[] {
  return objects.filter((object) => epochOf(object) <= epoch)
}

function identity({ metadata }: KubernetesObject): { name: string; uid: string } {
  return { name: metadata?.name ?? '', uid: metadata?.uid ?? '' }
}
