import { type KubernetesApi, mergePatch, orUndefined } from '../kubernetes/kubernetes-api.ts'

/** The Service of replay selects on it. */
const LEADER = 'kappa.dev/leader'
/** Of pods of one version, an upgrade ends the one with the lowest first; others have 0. */
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'

/**
 * Says of a pod whether requests go to it; one that is gone needs no word. An upgrade leaves the
 * leader for last, so that the lead changes once, and Spark clusters are started anew once.
 */
export async function labelLeader(
  { core }: KubernetesApi,
  { name, namespace }: { name: string; namespace: string },
  leads: boolean,
): Promise<void> {
  const body = {
    metadata: {
      labels: { [LEADER]: leads ? 'true' : null },
      annotations: { [DELETION_COST]: leads ? '1' : null },
    },
  }
  // By way of its status, so that nobody needs the right to change what pods run.
  await orUndefined(core.patchNamespacedPodStatus({ name, namespace, body }, mergePatch))
}
