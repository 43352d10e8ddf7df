import { setTimeout as delay } from 'node:timers/promises'
import type { KubernetesObject } from '@kubernetes/client-node'
import { hasStatus, inWords, type KubernetesApi } from '../../kubernetes/kubernetes-api.ts'
import { ClusterError } from '../launcher.ts'
import { epochOf, secretNamesOf } from './object-meta.ts'

const pollMs = 200
const retryMs = 1_000
const gracePeriodSeconds = 5

export interface Removal {
  readonly namespace: string
  readonly labelSelector: string
  /** Of whoever asks: what an instance of a newer epoch has made stays. */
  readonly epoch: number
  readonly timeoutMs: number
  /** Calls it off. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Deletes the pods of releases and waits until Kubernetes has none of them any more, which it says
 * only when their processes have ended; then deletes the rest. An API that is away for a while is
 * waited for. Idempotent.
 * @throws ClusterError a pod does not go, the API does not answer, or it was called off
 */
export async function removeObjects(api: KubernetesApi, removal: Removal): Promise<void> {
  const deadline = Date.now() + removal.timeoutMs
  const asked = new Set<string>()
  for (;;) {
    if (removal.signal?.aborted) throw new ClusterError('The start of Spark was called off.')
    let waitMs = pollMs
    try {
      const pods = await removePods(api, removal, asked)
      if (pods.length === 0) {
        await removeOthers(api, removal)
        return
      }
      if (Date.now() > deadline) throw new ClusterError(stay(pods, removal))
    } catch (error) {
      if (error instanceof ClusterError) throw error
      // Without its account or its rights, as when all is uninstalled, waiting changes nothing.
      const mayNot = hasStatus(error, 401) || hasStatus(error, 403)
      if (mayNot || Date.now() > deadline) {
        throw new ClusterError(
          `What was left of a cluster in the namespace ${removal.namespace} could not be removed: ${inWords(error)}`,
          { cause: error },
        )
      }
      waitMs = retryMs
    }
    await delay(waitMs, undefined, { signal: removal.signal }).catch(() => undefined)
  }
}

/** @returns in words, the pods that are still there */
async function removePods(
  { core }: KubernetesApi,
  removal: Removal,
  asked: Set<string>,
): Promise<string[]> {
  const { namespace, labelSelector } = removal
  const pods = ours((await core.listNamespacedPod({ namespace, labelSelector })).items, removal)
  for (const { name, uid } of pods.map(identity).filter((pod) => !asked.has(pod.uid))) {
    const body = { gracePeriodSeconds, preconditions: { uid } }
    await deleted(core.deleteNamespacedPod({ name, namespace, body }))
    asked.add(uid)
  }
  return pods.map((pod) => `${identity(pod).name} on ${pod.spec?.nodeName ?? 'no node'}`)
}

function stay(pods: readonly string[], { timeoutMs }: Removal): string {
  return `Pods of an earlier run do not end after ${timeoutMs} ms (${pods.join(', ')}): no other cluster of the release may start before. Where a node is lost for good, delete its pods by force.`
}

/** Each only as it was seen: an instance of a newer epoch may have made another of the same name. */
async function removeOthers({ core }: KubernetesApi, removal: Removal): Promise<void> {
  const { namespace, labelSelector } = removal
  const [maps, services] = await Promise.all([
    core.listNamespacedConfigMap({ namespace, labelSelector }),
    core.listNamespacedService({ namespace, labelSelector }),
  ])
  await Promise.all(
    ours(services.items, removal).map((each) => {
      const { name, uid } = identity(each)
      return deleted(
        core.deleteNamespacedService({ name, namespace, body: { preconditions: { uid } } }),
      )
    }),
  )
  for (const map of ours(maps.items, removal)) {
    // Their names are known from it, so that nobody needs the right to list Secrets.
    for (const name of secretNamesOf(map)) {
      await deleted(core.deleteNamespacedSecret({ name, namespace }))
    }
    const { name, uid } = identity(map)
    await deleted(
      core.deleteNamespacedConfigMap({ name, namespace, body: { preconditions: { uid } } }),
    )
  }
}

/** One that is gone, or is another one by now, is deleted. */
async function deleted(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!hasStatus(error, 404) && !hasStatus(error, 409)) throw error
  }
}

function ours<T extends KubernetesObject>(objects: readonly T[], { epoch }: Removal): T[] {
  return objects.filter((object) => epochOf(object) <= epoch)
}

function identity({ metadata }: KubernetesObject): { name: string; uid: string } {
  return { name: metadata?.name ?? '', uid: metadata?.uid ?? '' }
}
